#include "tests/support/sample_resources.h"

#include <memory>
#include <utility>

#include "sluice/v1/access_policy.pb.h"
#include "sluice/v1/endpoint_slice.pb.h"

namespace sluice::test {
namespace {

template <typename Message>
model::Resource Stored(Message message, std::int64_t generation = 1) {
  message.mutable_metadata()->set_generation(generation);
  return model::Resource::FromMessage(std::make_unique<Message>(std::move(message)));
}

template <typename Spec>
void AddEndpoints(Spec& spec, const std::string& host, const std::vector<int>& ports) {
  for (const int port : ports) spec.add_endpoints()->set_address(host + ":" + std::to_string(port));
}

}  // namespace

v1::Upstream SampleUpstream(const std::string& name, const std::string& address,
                            const Labels& labels) {
  v1::Upstream upstream;
  upstream.mutable_metadata()->set_name(name);
  upstream.mutable_metadata()->mutable_labels()->insert(labels.begin(), labels.end());
  upstream.mutable_spec()->add_endpoints()->set_address(address);
  return upstream;
}

v1::Listener SampleListener(const std::string& name, const std::string& address,
                            const std::string& upstream) {
  v1::Listener listener;
  listener.mutable_metadata()->set_name(name);
  listener.mutable_spec()->set_address(address);
  listener.mutable_spec()->add_routes()->mutable_proxy()->set_upstream(upstream);
  return listener;
}

model::Resource MakeListener(const ListenerMaker& maker) {
  v1::Listener listener =
      SampleListener(maker.name, "127.0.0.1:" + std::to_string(maker.port), maker.upstream);
  v1::ListenerSpec& spec = *listener.mutable_spec();
  spec.mutable_node_selector()->insert(maker.node_selector.begin(), maker.node_selector.end());
  for (const std::string& policy : maker.access_policies) spec.add_access_policies(policy);
  return Stored(std::move(listener));
}

model::Resource MakeUpstream(const std::string& name, const std::vector<int>& ports) {
  v1::Upstream upstream;
  upstream.mutable_metadata()->set_name(name);
  AddEndpoints(*upstream.mutable_spec(), "10.0.0.1", ports);
  return Stored(std::move(upstream));
}

model::Resource MakeSlice(const std::string& name, const std::string& upstream,
                          const std::vector<int>& ports) {
  v1::EndpointSlice slice;
  slice.mutable_metadata()->set_name(name);
  slice.mutable_spec()->set_upstream(upstream);
  AddEndpoints(*slice.mutable_spec(), "10.0.0.2", ports);
  return Stored(std::move(slice));
}

model::Resource MakePolicy(const std::string& name) {
  v1::AccessPolicy policy;
  policy.mutable_metadata()->set_name(name);
  policy.mutable_spec()->set_default_action(v1::AccessPolicySpec::ALLOW);
  return Stored(std::move(policy));
}

model::Resource MakeInvalidUpstream(const std::string& name) {
  return Stored(SampleUpstream(name, "nowhere"), 2);
}

model::Resource AsResource(const google::protobuf::Message& message) {
  std::unique_ptr<google::protobuf::Message> copy(message.New());
  copy->CopyFrom(message);
  return model::Resource::FromMessage(std::move(copy));
}

google::protobuf::Any AsAny(const google::protobuf::Message& message) {
  google::protobuf::Any any;
  any.PackFrom(message);
  return any;
}

model::ResourceKey KeyOf(const google::protobuf::Message& message) {
  return AsResource(message).key();
}

v1::ObjectRef RefTo(const std::string& kind, const std::string& name) {
  v1::ObjectRef object;
  object.set_kind(kind);
  object.set_name(name);
  return object;
}

model::Change AsChange(const model::Resource& resource) {
  return {resource.key(), std::make_shared<const model::Resource>(resource)};
}

model::Change AsChange(const google::protobuf::Message& message) {
  return AsChange(AsResource(message));
}

model::Change Removal(const google::protobuf::Message& message) {
  return {KeyOf(message), nullptr};
}

std::vector<model::Change> AsChanges(const std::vector<model::Resource>& resources,
                                     const std::vector<model::ResourceKey>& deleted) {
  std::vector<model::Change> changes;
  for (const model::Resource& resource : resources) changes.push_back(AsChange(resource));
  for (const model::ResourceKey& key : deleted) changes.push_back({key, nullptr});
  return changes;
}

}  // namespace sluice::test
