// Consistent hashing: an endpoint that comes or goes moves only its own share of the keys. A point
// of the ring names a server text; endpoints of the same text share its keys by round robin.
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

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

struct Servers {
  std::vector<HashRing::Server> servers;            // By text, in configured order.
  std::vector<std::vector<std::uint32_t>> members;  // Endpoints of each.
};

// None of a list that needs no ring: with fewer than two endpoints it is never asked.
Servers ServersOf(const std::vector<BalanceEndpoint>& endpoints) {
  Servers all;
  std::unordered_map<std::string_view, std::size_t> numbers;
  std::size_t count = 0;
  for (std::uint32_t index = 0; index < endpoints.size(); ++index) {
    if (endpoints[index].backup) continue;
    ++count;
    const std::string_view text = endpoints[index].text;
    const auto [number, is_new] = numbers.emplace(text, all.servers.size());
    if (is_new) {
      all.servers.push_back({text, 0});
      all.members.emplace_back();
    }
    all.servers[number->second].weight += endpoints[index].weight;
    all.members[number->second].push_back(index);
  }
  return count < 2 ? Servers{} : all;
}

}  // namespace

std::uint64_t RingPointsOf(const std::vector<BalanceEndpoint>& endpoints) {
  return HashRing::CountPoints(ServersOf(endpoints).servers);
}

std::unique_ptr<const Selection> MakeRingHash(const EndpointSet& set) {
  Servers servers = ServersOf(set.endpoints());
  return std::make_unique<RingHash>(HashRing(servers.servers), std::move(servers.members));
}

}  // namespace sluice::dataplane
