#include "tests/support/sample_resources.h"

namespace sluice::test {

v1::Upstream SampleUpstream(const std::string& name, const std::string& address,
                            const Labels& labels) {
  v1::Upstream upstream;
  upstream.mutable_metadata()->set_name(name);
  for (const auto& [key, value] : labels)
    (*upstream.mutable_metadata()->mutable_labels())[key] = value;
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

model::Change AsChange(const google::protobuf::Message& message) {
  auto resource = std::make_shared<const model::Resource>(AsResource(message));
  return {resource->key(), resource};
}

model::Change Removal(const google::protobuf::Message& message) {
  return {KeyOf(message), nullptr};
}

v1::ObjectRef RefTo(const std::string& kind, const std::string& name) {
  v1::ObjectRef object;
  object.set_kind(kind);
  object.set_name(name);
  return object;
}

}  // namespace sluice::test
