// CRC-32 of the key over the weights, as Cache::Memcached and nginx `hash KEY` do it. Adding an
// endpoint moves most keys; RING_HASH does not.
#include <fmt/format.h>

#include <string_view>

#include "dataplane/balance/crc32.h"
#include "dataplane/balance/selection.h"

namespace sluice::dataplane {
namespace {

// The 15 bits that round `rehash` of the key adds to the running sum.
std::uint32_t RoundHash(std::string_view key, std::uint32_t rehash) {
  const fmt::format_int prefix(rehash);
  const std::uint32_t before = rehash == 0 ? 0 : Crc32(0, {prefix.data(), prefix.size()});
  return (Crc32(before, key) >> 16) & 0x7fff;
}

class Hash final : public Selection {
 public:
  std::optional<std::uint32_t> Next(const EndpointSet& set, const PickInput& input,
                                    SmoothWeights& weights, Tries& tries) const override {
    const EndpointSet::List& list = set.list(tries.backup);
    if (list.size() < 2 || input.key.empty()) return SelectRoundRobin(set, input, weights, tries);
    for (; tries.misses <= kSelectionMisses; ++tries.misses) {
      tries.hash += RoundHash(input.key, tries.rehash++);
      const std::uint32_t index = list.AtWeight(tries.hash % list.total_weight());
      if (set.IsUsable(index, tries, input.now_s)) return index;
    }
    return SelectRoundRobin(set, input, weights, tries);
  }
};

}  // namespace

std::unique_ptr<const Selection> MakeHash() { return std::make_unique<Hash>(); }

}  // namespace sluice::dataplane
