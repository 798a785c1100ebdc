#include "dataplane/balance/balancer.h"

#include <utility>

#include "common/base/check.h"
#include "dataplane/balance/endpoint_set.h"
#include "dataplane/balance/selection.h"
#include "dataplane/balance/smooth_weights.h"

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

class SelectionBalancer final : public Balancer {
 public:
  SelectionBalancer(BalancePolicy policy, std::vector<BalanceEndpoint> endpoints,
                    PassiveHealth health)
      : set_(std::move(endpoints), health), selection_(MakeSelection(policy, set_)) {}

  std::optional<std::uint32_t> Pick(const PickInput& input, BalancerMemory& memory,
                                    Tries& tries) const override {
    auto& weights = static_cast<SmoothWeights&>(memory);
    while (true) {
      const auto index = selection_->Next(set_, input, weights, tries);
      if (index && set_.Take(*index, input.now_s)) {
        tries.tried.push_back(*index);
        return index;
      }
      if (index) continue;  // Another worker was faster; what it took is no longer usable.
      if (tries.backup || set_.list(true).size() == 0) return std::nullopt;
      tries.backup = true;
    }
  }

  std::unique_ptr<BalancerMemory> NewMemory(const BalancerMemory* previous) const override {
    return std::make_unique<SmoothWeights>(set_, static_cast<const SmoothWeights*>(previous));
  }

  void Failed(std::uint32_t index, std::int64_t now_s, BalancerMemory& memory) const override {
    set_.CountFailure(index, now_s);
    if (!set_.single()) static_cast<SmoothWeights&>(memory).Lower(index, set_.health().max_fails);
  }
  void Succeeded(std::uint32_t index) const override { set_.CountSuccess(index); }
  void Release(std::uint32_t index) const override { set_.Release(index); }
  const std::vector<BalanceEndpoint>& endpoints() const override { return set_.endpoints(); }

 private:
  const EndpointSet set_;
  const std::unique_ptr<const Selection> selection_;
};

}  // namespace

std::unique_ptr<const Balancer> BuildBalancer(BalancePolicy policy,
                                              std::vector<BalanceEndpoint> endpoints,
                                              PassiveHealth health) {
  return std::make_unique<SelectionBalancer>(policy, std::move(endpoints), health);
}

}  // namespace sluice::dataplane
