// Consistent hashing: an endpoint that comes or goes moves only its own share of the keys. A point
// of the ring names a server text; endpoints of the same text share its keys by round robin.
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "dataplane/balance/hash_ring.h"
#include "dataplane/balance/selection.h"

namespace sluice::dataplane {
namespace {

class RingHash final : public Selection {
 public:
  RingHash(HashRing ring, std::vector<std::vector<std::uint32_t>> members)
      : ring_(std::move(ring)), members_(std::move(members)) {}

  std::optional<std::uint32_t> Next(const EndpointSet& set, const PickInput& input,
                                    SmoothWeights& weights, Tries& tries) const override {
    if (tries.backup || set.list(false).size() < 2 || input.key.empty()) {
      return SelectRoundRobin(set, input, weights, tries);
    }
    if (!tries.started) {
      tries.started = true;
      tries.hash = ring_.Position(input.key);
    }
    for (; tries.misses <= kSelectionMisses; ++tries.misses, ++tries.hash) {
      SmoothWeights::Round round(weights);
      for (const std::uint32_t index : members_[ring_.ServerAt(tries.hash)]) {
        if (set.IsUsable(index, tries, input.now_s)) round.Add(index);
      }
      if (const auto winner = round.Finish()) return winner;
    }
    return SelectRoundRobin(set, input, weights, tries);
  }

 private:
  const HashRing ring_;
  const std::vector<std::vector<std::uint32_t>> members_;  // Endpoints of each server text.
};

}  // namespace

std::unique_ptr<const Selection> MakeRingHash(const EndpointSet& set) {
  std::vector<HashRing::Server> servers;
  std::vector<std::vector<std::uint32_t>> members;
  std::unordered_map<std::string_view, std::size_t> numbers;
  for (const std::uint32_t index : set.list(false).indexes()) {
    const std::string_view text = set.endpoints()[index].text;
    const auto [number, is_new] = numbers.emplace(text, servers.size());
    if (is_new) {
      servers.push_back({text, 0});
      members.emplace_back();
    }
    servers[number->second].weight += set.weight(index);
    members[number->second].push_back(index);
  }
  return std::make_unique<RingHash>(HashRing(servers, limits::kRingPoints), std::move(members));
}

}  // namespace sluice::dataplane
