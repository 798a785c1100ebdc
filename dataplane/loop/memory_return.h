// Gives memory back to the machine after many sessions have ended: the allocator keeps freed pages
// between live ones otherwise. Some time later and seldom, as it walks the free lists.
// Worker thread only.
#pragma once

#include <cstdint>

#include "dataplane/loop/event_loop.h"

namespace sluice::dataplane {

class MemoryReturn final : private Timer {
 public:
  explicit MemoryReturn(EventLoop& loop) : loop_(loop) {}
  // `open`: the sessions this worker has left.
  void SessionClosed(std::uint64_t open);

 private:
  void OnTimer() override;

  EventLoop& loop_;
  std::uint64_t open_ = 0;
  std::uint64_t most_ = 0;  // Open at a time since memory was last given back.
};

}  // namespace sluice::dataplane
