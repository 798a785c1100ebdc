#include "dataplane/compile/compile_upstream.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "common/base/limits.h"
#include "common/model/upstream_endpoints.h"
#include "dataplane/balance/balancer.h"
#include "dataplane/compile/problem.h"
#include "dataplane/variables/text_template.h"
#include "sluice/v1/upstream.pb.h"

namespace sluice::dataplane {
namespace {

using Unexpected = tl::unexpected<v1::ResourceProblem>;

Unexpected Refuse(const VersionedResource& at, std::string_view reason, const std::string& field,
                  const std::string& message) {
  return Unexpected(MakeProblem(at.resource->key(), at.version, v1::ResourceProblem::REFUSED,
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
  // The set is made large enough at once: one that grows does not survive a lack of memory.
  EndpointList(const std::string& upstream, std::size_t endpoints)
      : upstream_(upstream), seen_(endpoints) {
    list_.reserve(endpoints);
  }

  tl::expected<void, v1::ResourceProblem> Add(const EndpointPart& part) {
    for (std::size_t i = 0; i < part.endpoints->size(); ++i) {
      const BalanceEndpoint& endpoint = (*part.endpoints)[i];
      if (list_.size() == limits::kUpstreamEndpoints) {
        return Refuse(part.held, "TooManyEndpoints", "spec.endpoints",
                      fmt::format("upstream '{}' has more than {} endpoints, slices included",
                                  upstream_, limits::kUpstreamEndpoints));
      }
      if (!seen_.insert(endpoint.address).second) {
        const std::string field = fmt::format("spec.endpoints[{}].address", i);
        return Refuse(part.held, "DuplicateEndpoint", field,
                      fmt::format("`{}` must be once in upstream '{}', slices included, got '{}'",
                                  field, upstream_, endpoint.text));
      }
      has_unix_ = has_unix_ || endpoint.address.is_unix();
      list_.push_back(endpoint);
    }
    return {};
  }

  std::vector<BalanceEndpoint> Take() { return std::move(list_); }
  bool has_unix() const { return has_unix_; }

 private:
  const std::string& upstream_;
  std::vector<BalanceEndpoint> list_;
  absl::flat_hash_set<SocketAddress> seen_;
  bool has_unix_ = false;
};

}  // namespace

EndpointPart ReadEndpoints(const VersionedResource& held, const std::string& upstream,
                           StateTable& states) {
  const auto& endpoints = *model::EndpointsIn(*held.resource)->endpoints;
  std::vector<BalanceEndpoint> list;
  list.reserve(static_cast<std::size_t>(endpoints.size()));
  for (const v1::Endpoint& endpoint : endpoints) {
    const SocketAddress& address = held.resource->address(list.size());
    list.push_back({.address = address,
                    .text = endpoint.address(),
                    .weight = endpoint.has_weight() ? endpoint.weight() : 1,
                    .max_connections = endpoint.max_connections(),
                    .backup = endpoint.backup(),
                    .drain = endpoint.drain(),
                    .state = states.Endpoint(upstream, address)});
  }
  return {held, std::make_shared<const std::vector<BalanceEndpoint>>(std::move(list))};
}

tl::expected<std::shared_ptr<const UpstreamConfig>, v1::ResourceProblem> CompileUpstream(
    const UpstreamParts& parts, RingClaim& ring, StateTable& states) {
  const model::Resource& resource = *parts.upstream.held.resource;
  const auto& spec = resource.As<v1::Upstream>().spec();
  auto config = std::make_shared<UpstreamConfig>();
  config->name = resource.key().DiscoveryName();

  std::size_t count = parts.upstream.endpoints->size();
  for (const EndpointPart& slice : parts.slices) count += slice.endpoints->size();
  EndpointList endpoints(config->name, std::min(count, limits::kUpstreamEndpoints));
  if (auto added = endpoints.Add(parts.upstream); !added) return Unexpected(added.error());
  for (const EndpointPart& slice : parts.slices) {
    if (auto added = endpoints.Add(slice); !added) return Unexpected(added.error());
  }

  const BalancePolicy policy = PolicyOf(spec.balance());
  if (policy == BalancePolicy::kHash || policy == BalancePolicy::kRingHash) {
    auto key = TextTemplate::Compile(spec.balance().hash().key(), TextTemplate::Missing::kEmpty);
    if (!key) {
      return Refuse(parts.upstream.held, "Invalid", "spec.balance.hash.key", key.error().message);
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
  std::vector<BalanceEndpoint> all = endpoints.Take();
  if (policy == BalancePolicy::kRingHash) {
    ring.points = RingPointsOf(all);
    auto share = ring.room.Take(ring.points, ring.replaced);
    if (!share) {
      return Unexpected(MakeProblem(resource.key(), parts.upstream.held.version,
                                    v1::ResourceProblem::NOT_PROGRAMMED,
                                    {kNoRoomForRing, "spec.balance.policy", share.error()}));
    }
    config->ring = *std::move(share);
  }
  config->balancer = std::make_unique<const Balancer>(policy, std::move(all), config->health);
  config->shared = states.Upstream(config->name);
  return config;
}

}  // namespace sluice::dataplane
