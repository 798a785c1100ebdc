// The client's network decides: the first three bytes of an IPv4 address, all of an IPv6 address
// (nginx ip_hash, whose stream module has no such policy; the numbers are those of its http
// module).
#include <string_view>

#include "dataplane/balance/selection.h"

namespace sluice::dataplane {
namespace {

using namespace std::string_view_literals;

constexpr std::uint32_t kSeed = 89;

std::string_view HashedBytes(const SocketAddress* client) {
  if (client == nullptr || client->is_unix()) return "\0\0\0"sv;
  return client->family() == AF_INET ? client->ip_bytes().substr(0, 3) : client->ip_bytes();
}

class IpHash final : public Selection {
 public:
  std::optional<std::uint32_t> Next(const EndpointSet& set, const PickInput& input,
                                    SmoothWeights& weights, Tries& tries) const override {
    const EndpointSet::List& list = set.list(tries.backup);
    if (list.size() < 2) return SelectRoundRobin(set, input, weights, tries);
    if (!tries.started) {
      tries.started = true;
      tries.hash = kSeed;
    }
    const std::string_view bytes = HashedBytes(input.client);
    for (; tries.misses <= kSelectionMisses; ++tries.misses) {
      for (const char byte : bytes) {
        tries.hash = (tries.hash * 113 + static_cast<unsigned char>(byte)) % 6271;
      }
      const std::uint32_t index = list.AtWeight(tries.hash % list.total_weight());
      if (set.IsUsable(index, tries, input.now_s)) return index;
    }
    return SelectRoundRobin(set, input, weights, tries);
  }
};

}  // namespace

std::unique_ptr<const Selection> MakeIpHash() { return std::make_unique<IpHash>(); }

}  // namespace sluice::dataplane
