#include "dataplane/balance/balancer.h"

#include <utility>

#include "common/base/check.h"

namespace sluice::dataplane {
namespace {

std::unique_ptr<const Selection> MakeSelection(BalancePolicy policy, const EndpointSet& set) {
  switch (policy) {
    case BalancePolicy::kRoundRobin:
      return MakeRoundRobin();
    case BalancePolicy::kLeastConnections:
      return MakeLeastConnections();
    case BalancePolicy::kRandom:
      return MakeRandomTwo();
    case BalancePolicy::kIpHash:
      return MakeIpHash();
    case BalancePolicy::kHash:
      return MakeHash();
    case BalancePolicy::kRingHash:
      return MakeRingHash(set);
  }
  SLUICE_CHECK(false);
}

}  // namespace

Balancer::Balancer(BalancePolicy policy, std::vector<BalanceEndpoint> endpoints,
                   PassiveHealth health)
    : set_(std::move(endpoints), health), selection_(MakeSelection(policy, set_)) {}

std::optional<std::uint32_t> Balancer::Pick(const PickInput& input, SmoothWeights& memory,
                                            Tries& tries) const {
  while (true) {
    const auto index = selection_->Next(set_, input, memory, tries);
    if (index && set_.Take(*index, input.now_s)) {
      tries.tried.push_back(*index);
      return index;
    }
    if (index) continue;  // Another worker was faster; what it took is no longer usable.
    if (tries.backup || set_.list(true).size() == 0) return std::nullopt;
    tries.backup = true;
  }
}

bool Balancer::Failed(std::uint32_t index, std::int64_t now_s, SmoothWeights& memory) const {
  const bool down = set_.CountFailure(index, now_s);
  if (!set_.single()) memory.Lower(index, set_.health().max_fails);
  return down;
}

}  // namespace sluice::dataplane
