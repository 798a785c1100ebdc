#include "dataplane/compile/compile_upstream.h"

#include <fmt/format.h>

#include <string>
#include <unordered_set>
#include <utility>

#include "common/base/limits.h"
#include "dataplane/balance/balancer.h"
#include "dataplane/compile/problem.h"
#include "dataplane/variables/text_template.h"
#include "sluice/v1/endpoint_slice.pb.h"
#include "sluice/v1/upstream.pb.h"

namespace sluice::dataplane {
namespace {

using Refusal = tl::unexpected<v1::ResourceProblem>;
using Endpoints = google::protobuf::RepeatedPtrField<v1::Endpoint>;

Refusal Refuse(const HeldResource& at, std::string_view reason, const std::string& field,
               const std::string& message) {
  return Refusal(MakeProblem(at.resource->key(), at.version, v1::ResourceProblem::REFUSED,
                             {reason, field, message}));
}

BalancePolicy PolicyOf(const v1::Balance& balance) {
  switch (balance.policy()) {
    case v1::Balance::LEAST_CONNECTIONS:
      return BalancePolicy::kLeastConnections;
    case v1::Balance::RANDOM:
      return BalancePolicy::kRandom;
    case v1::Balance::IP_HASH:
      return BalancePolicy::kIpHash;
    case v1::Balance::HASH:
      return BalancePolicy::kHash;
    case v1::Balance::RING_HASH:
      return BalancePolicy::kRingHash;
    default:
      return BalancePolicy::kRoundRobin;
  }
}

// The endpoints of one object after those of the objects before it.
class EndpointList {
 public:
  EndpointList(const std::string& upstream, StateTable& states)
      : upstream_(upstream), states_(states) {}

  tl::expected<void, v1::ResourceProblem> Add(const HeldResource& from,
                                              const Endpoints& endpoints) {
    for (int i = 0; i < endpoints.size(); ++i) {
      const v1::Endpoint& endpoint = endpoints[i];
      const std::string field = fmt::format("spec.endpoints[{}].address", i);
      const Result<SocketAddress> address = SocketAddress::Parse(endpoint.address());
      if (!address) return Refuse(from, "Invalid", field, address.error().message);
      if (list_.size() == limits::kUpstreamEndpoints) {
        return Refuse(from, "TooManyEndpoints", "spec.endpoints",
                      fmt::format("upstream '{}' has more than {} endpoints, slices included",
                                  upstream_, limits::kUpstreamEndpoints));
      }
      if (!seen_.insert(address->Text()).second) {
        return Refuse(from, "DuplicateEndpoint", field,
                      fmt::format("`{}` must be once in upstream '{}', slices included, got '{}'",
                                  field, upstream_, endpoint.address()));
      }
      BalanceEndpoint& added = list_.emplace_back();
      has_unix_ = has_unix_ || address->is_unix();
      added.state = states_.Endpoint(upstream_, *address);
      added.address = *address;
      added.text = endpoint.address();
      added.weight = endpoint.has_weight() ? endpoint.weight() : 1;
      added.max_connections = endpoint.max_connections();
      added.backup = endpoint.backup();
      added.drain = endpoint.drain();
    }
    return {};
  }

  std::vector<BalanceEndpoint> Take() { return std::move(list_); }
  bool has_unix() const { return has_unix_; }

 private:
  const std::string& upstream_;
  StateTable& states_;
  std::vector<BalanceEndpoint> list_;
  std::unordered_set<std::string> seen_;
  bool has_unix_ = false;
};

}  // namespace

tl::expected<std::shared_ptr<const UpstreamConfig>, v1::ResourceProblem> CompileUpstream(
    const UpstreamParts& parts, StateTable& states) {
  const auto& spec = parts.upstream.resource->As<v1::Upstream>().spec();
  auto config = std::make_shared<UpstreamConfig>();
  config->name = parts.upstream.resource->key().DiscoveryName();

  EndpointList endpoints(config->name, states);
  if (auto added = endpoints.Add(parts.upstream, spec.endpoints()); !added) {
    return Refusal(added.error());
  }
  for (const HeldResource& slice : parts.slices) {
    const auto& slice_spec = slice.resource->As<v1::EndpointSlice>().spec();
    if (auto added = endpoints.Add(slice, slice_spec.endpoints()); !added) {
      return Refusal(added.error());
    }
  }

  config->policy = PolicyOf(spec.balance());
  if (config->policy == BalancePolicy::kHash || config->policy == BalancePolicy::kRingHash) {
    auto key = TextTemplate::Compile(spec.balance().hash().key(), TextTemplate::Missing::kEmpty);
    if (!key) {
      return Refuse(parts.upstream, "Invalid", "spec.balance.hash.key", key.error().message);
    }
    config->hash_key = *std::move(key);
  }
  if (spec.passive_health().has_max_fails()) {
    config->health.max_fails = spec.passive_health().max_fails();
  }
  if (spec.passive_health().has_fail_timeout()) {
    config->health.fail_timeout_s = spec.passive_health().fail_timeout().seconds();
  }
  config->has_unix_endpoint = endpoints.has_unix();
  config->balancer =
      std::make_unique<const Balancer>(config->policy, endpoints.Take(), config->health);
  config->shared = states.Upstream(config->name);
  return config;
}

}  // namespace sluice::dataplane
