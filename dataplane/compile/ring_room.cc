#include "dataplane/compile/ring_room.h"

#include <fmt/format.h>

namespace sluice::dataplane {

tl::expected<RingShare, std::string> RingRoom::Take(std::uint64_t points,
                                                    std::uint64_t replaced) const {
  if (points == 0) return RingShare();
  if (Has(points, replaced)) return RingShare(held_, points);
  const std::uint64_t others = in_force_ - replaced;
  if (others + points > bounds_.in_force) {
    return tl::unexpected(
        fmt::format("waits for room: its ring needs {} points, and those of the other RING_HASH "
                    "upstreams have {} of the {} that this data plane holds at most; "
                    "HASH needs none",
                    points, others, bounds_.in_force));
  }
  return tl::unexpected(
      fmt::format("waits for sessions to end: its ring needs {} points, and {} of the {} that this "
                  "data plane holds at most are taken, by older forms of upstreams that open "
                  "sessions began with too",
                  points, held_->load(std::memory_order_relaxed), bounds_.held));
}

bool RingRoom::Has(std::uint64_t points, std::uint64_t replaced) const {
  return in_force_ - replaced + points <= bounds_.in_force &&
         held_->load(std::memory_order_relaxed) + points <= bounds_.held;
}

}  // namespace sluice::dataplane
