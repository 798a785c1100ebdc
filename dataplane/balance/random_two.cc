// Two different endpoints drawn by weight; the one with fewer sessions by weight takes the session,
// the second one drawn if they are equal (nginx random two least_conn).
#include <random>

#include "common/base/check.h"
#include "dataplane/balance/selection.h"

namespace sluice::dataplane {
namespace {

class RandomTwo final : public Selection {
 public:
  std::optional<std::uint32_t> Next(const EndpointSet& set, const PickInput& input,
                                    SmoothWeights& weights, Tries& tries) const override {
    SLUICE_CHECK(input.random != nullptr);
    const EndpointSet::List& list = set.list(tries.backup);
    if (list.size() < 2) return SelectRoundRobin(set, input, weights, tries);
    std::uniform_int_distribution<std::uint64_t> point(0, list.total_weight() - 1);
    std::optional<std::uint32_t> first;
    for (; tries.misses <= kSelectionMisses; ++tries.misses) {
      const std::uint32_t drawn = list.AtWeight(point(*input.random));
      if (drawn == first || !set.IsUsable(drawn, tries, input.now_s)) continue;
      if (!first) {
        first = drawn;
        continue;
      }
      const std::uint64_t drawn_load = std::uint64_t{set.open(drawn)} * set.weight(*first);
      const std::uint64_t first_load = std::uint64_t{set.open(*first)} * set.weight(drawn);
      return drawn_load > first_load ? first : drawn;
    }
    return SelectRoundRobin(set, input, weights, tries);
  }
};

}  // namespace

std::unique_ptr<const Selection> MakeRandomTwo() { return std::make_unique<RandomTwo>(); }

}  // namespace sluice::dataplane
