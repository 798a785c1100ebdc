#include "dataplane/balance/selection.h"

namespace sluice::dataplane {
namespace {

class RoundRobin final : public Selection {
 public:
  std::optional<std::uint32_t> Next(const EndpointSet& set, const PickInput& input,
                                    SmoothWeights& weights, Tries& tries) const override {
    return SelectRoundRobin(set, input, weights, tries);
  }
};

}  // namespace

std::optional<std::uint32_t> SelectRoundRobin(const EndpointSet& set, const PickInput& input,
                                              SmoothWeights& weights, const Tries& tries) {
  SmoothWeights::Round round(weights);
  for (const std::uint32_t index : set.list(tries.backup).indexes()) {
    if (set.IsUsable(index, tries, input.now_s)) round.Add(index);
  }
  return round.Finish();
}

std::unique_ptr<const Selection> MakeRoundRobin() { return std::make_unique<RoundRobin>(); }

}  // namespace sluice::dataplane
