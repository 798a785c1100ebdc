// Fewest open sessions by weight (nginx least_conn); round robin among the tied ones only.
#include "dataplane/balance/selection.h"

namespace sluice::dataplane {
namespace {

// open / weight as a fraction that compares without division.
struct Load {
  std::uint64_t open;
  std::uint64_t weight;

  bool operator<(const Load& other) const { return open * other.weight < other.open * weight; }
  bool operator==(const Load& other) const { return open * other.weight == other.open * weight; }
};

class LeastConnections final : public Selection {
 public:
  std::optional<std::uint32_t> Next(const EndpointSet& set, const PickInput& input,
                                    SmoothWeights& weights, Tries& tries) const override {
    const auto indexes = set.list(tries.backup).indexes();
    std::optional<std::uint32_t> best;
    Load least{};
    bool tied = false;
    std::size_t best_position = 0;
    for (std::size_t position = 0; position < indexes.size(); ++position) {
      const std::uint32_t index = indexes[position];
      if (!set.IsUsable(index, tries, input.now_s)) continue;
      const Load load{set.open(index), set.weight(index)};
      if (!best || load < least) {
        best = index;
        best_position = position;
        least = load;
        tied = false;
      } else if (load == least) {
        tied = true;
      }
    }
    if (!tied) return best;
    SmoothWeights::Round round(weights);
    for (const std::uint32_t index : indexes.subspan(best_position)) {
      // Asked anew: other workers may have changed the counts since.
      if (Load{set.open(index), set.weight(index)} == least &&
          set.IsUsable(index, tries, input.now_s)) {
        round.Add(index);
      }
    }
    const auto winner = round.Finish();
    return winner ? winner : best;
  }
};

}  // namespace

std::unique_ptr<const Selection> MakeLeastConnections() {
  return std::make_unique<LeastConnections>();
}

}  // namespace sluice::dataplane
