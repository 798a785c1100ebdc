// Sessions that are open now, counted for all workers together: a listener's limits.connections.
// Keyed by the listener's name and kept beyond one config, so that a new limit counts the sessions
// that are there already. Thread-safe; one atomic, exact.
#pragma once

#include <atomic>
#include <cstdint>

#include "common/base/check.h"

namespace sluice::dataplane {

class SlotCounter {
 public:
  // Takes a slot unless `limit` are taken.
  bool TryTake(std::uint32_t limit) {
    std::uint32_t taken = taken_.load(std::memory_order_relaxed);
    do {
      if (taken >= limit) return false;
    } while (!taken_.compare_exchange_weak(taken, taken + 1, std::memory_order_relaxed));
    return true;
  }
  void Give() { SLUICE_CHECK(taken_.fetch_sub(1, std::memory_order_relaxed) > 0); }

  std::uint32_t taken() const { return taken_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint32_t> taken_{0};
};

}  // namespace sluice::dataplane
