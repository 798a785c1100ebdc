#include "dataplane/compile/phase_table.h"

#include <array>
#include <optional>
#include <utility>

#include "dataplane/phases/connection_limit.h"
#include "dataplane/phases/key_limit.h"
#include "dataplane/phases/proxy_route.h"
#include "dataplane/variables/text_template.h"

namespace sluice::dataplane {
namespace {

Handlers One(std::unique_ptr<const PhaseHandler> handler) {
  Handlers handlers;
  handlers.push_back(std::move(handler));
  return handlers;
}

// limits.connections. Always there: sessions are counted even while there is no limit.
Result<Handlers> BuildConnectionLimit(const PhaseInputs& inputs) {
  std::optional<std::uint32_t> limit;
  if (inputs.spec.limits().has_connections()) limit = inputs.spec.limits().connections();
  return One(MakeConnectionLimit(limit, inputs.states.Slots(inputs.listener)));
}

// limits.perKey.
Result<Handlers> BuildKeyLimits(const PhaseInputs& inputs) {
  std::vector<KeyLimit> limits;
  for (const v1::KeyLimit& limit : inputs.spec.limits().per_key()) {
    auto key = TextTemplate::Compile(limit.key(), TextTemplate::Missing::kEmpty);
    if (!key) return tl::unexpected(key.error());
    limits.push_back({*std::move(key), limit.connections(),
                      inputs.states.KeySlots(inputs.listener, limit.key())});
  }
  if (limits.empty()) return Handlers{};
  return One(MakeKeyLimit(std::move(limits)));
}

// accessPolicies.
Result<Handlers> BuildAccessPolicies(const PhaseInputs& inputs) {
  Handlers handlers;
  for (const auto& policy : inputs.policies) handlers.push_back(MakeAccessPolicy(policy));
  return handlers;
}

// routes.
Result<Handlers> BuildRoutes(const PhaseInputs& inputs) {
  std::vector<ProxyRoute> routes;
  for (const v1::Route& from : inputs.spec.routes()) {
    ProxyRoute& route = routes.emplace_back();
    for (const std::string& source : from.match().sources()) {
      Result<Cidr> block = Cidr::Parse(source);
      if (!block) return tl::unexpected(block.error());
      route.sources.push_back(*std::move(block));
    }
    const auto add = [&](const std::string& upstream, std::uint32_t weight) {
      route.targets.push_back({inputs.upstreams.at(upstream), weight});
    };
    if (from.proxy().split().empty()) add(from.proxy().upstream(), 1);
    for (const v1::WeightedUpstream& target : from.proxy().split()) {
      add(target.upstream(), target.weight());
    }
  }
  return One(MakeProxyRoute(routes));
}

constexpr std::array kTable = {
    PhaseRow{"connection_limit", Phase::kPreaccess, BuildConnectionLimit},
    PhaseRow{"key_limit", Phase::kPreaccess, BuildKeyLimits},
    PhaseRow{"access_policy", Phase::kAccess, BuildAccessPolicies},
    PhaseRow{"proxy_route", Phase::kContent, BuildRoutes},
};

}  // namespace

std::span<const PhaseRow> PhaseTable() { return kTable; }

Result<PhaseChain> BuildPhases(const PhaseInputs& inputs) {
  std::vector<PhaseStep> steps;
  for (const PhaseRow& row : kTable) {
    Result<Handlers> handlers = row.build(inputs);
    if (!handlers) return tl::unexpected(handlers.error());
    for (auto& handler : *handlers) steps.push_back({row.phase, std::move(handler)});
  }
  return steps;
}

}  // namespace sluice::dataplane
