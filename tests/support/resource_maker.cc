#include "tests/support/resource_maker.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "sluice/v1/access_policy.pb.h"
#include "sluice/v1/endpoint_slice.pb.h"
#include "sluice/v1/listener.pb.h"
#include "sluice/v1/upstream.pb.h"

namespace sluice::test {

model::Resource MakeListener(const ListenerMaker& maker) {
  auto listener = std::make_unique<v1::Listener>();
  listener->mutable_metadata()->set_name(maker.name);
  listener->mutable_metadata()->set_generation(1);
  v1::ListenerSpec& spec = *listener->mutable_spec();
  spec.mutable_node_selector()->insert(maker.node_selector.begin(), maker.node_selector.end());
  spec.set_address(fmt::format("127.0.0.1:{}", maker.port));
  for (const std::string& policy : maker.access_policies) spec.add_access_policies(policy);
  spec.add_routes()->mutable_proxy()->set_upstream(maker.upstream);
  return model::Resource::FromMessage(std::move(listener));
}

model::Resource MakeUpstream(const std::string& name, const std::vector<int>& ports) {
  auto upstream = std::make_unique<v1::Upstream>();
  upstream->mutable_metadata()->set_name(name);
  upstream->mutable_metadata()->set_generation(1);
  upstream->mutable_spec();
  for (const int port : ports) {
    upstream->mutable_spec()->add_endpoints()->set_address(fmt::format("10.0.0.1:{}", port));
  }
  return model::Resource::FromMessage(std::move(upstream));
}

model::Resource MakeSlice(const std::string& name, const std::string& upstream,
                          const std::vector<int>& ports) {
  auto slice = std::make_unique<v1::EndpointSlice>();
  slice->mutable_metadata()->set_name(name);
  slice->mutable_metadata()->set_generation(1);
  slice->mutable_spec()->set_upstream(upstream);
  for (const int port : ports) {
    slice->mutable_spec()->add_endpoints()->set_address(fmt::format("10.0.0.2:{}", port));
  }
  return model::Resource::FromMessage(std::move(slice));
}

model::Resource MakePolicy(const std::string& name) {
  auto policy = std::make_unique<v1::AccessPolicy>();
  policy->mutable_metadata()->set_name(name);
  policy->mutable_metadata()->set_generation(1);
  policy->mutable_spec()->set_default_action(v1::AccessPolicySpec::ALLOW);
  return model::Resource::FromMessage(std::move(policy));
}

model::Resource MakeInvalidUpstream(const std::string& name) {
  auto upstream = std::make_unique<v1::Upstream>();
  upstream->mutable_metadata()->set_name(name);
  upstream->mutable_metadata()->set_generation(2);
  upstream->mutable_spec()->add_endpoints()->set_address("nowhere");
  return model::Resource::FromMessage(std::move(upstream));
}

}  // namespace sluice::test
