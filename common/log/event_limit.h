// Keeps a kind of event that others can bring about often from filling the event log: a few at
// once, then one after the other at a distance; those that are held back are counted, and the next
// one that passes says how many.
// Not thread-safe.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "common/base/monotonic_time.h"

namespace sluice {

class EventLimit {
 public:
  // `burst` at once, and one more each `interval`. Both positive.
  constexpr EventLimit(int burst, std::chrono::milliseconds interval)
      : interval_(interval), window_(interval * burst) {}

  // Nothing: to be held back. Otherwise how many have been since the last that passed.
  std::optional<std::uint64_t> Pass(MonotonicTime now) {
    // The generic cell rate algorithm (ITU-T I.371): `full_` is when all of the burst is there.
    const MonotonicTime full = std::max(full_, now) + interval_;
    if (full - now > window_) {
      ++held_back_;
      return std::nullopt;
    }
    full_ = full;
    return std::exchange(held_back_, 0);
  }

 private:
  const std::chrono::milliseconds interval_;
  const std::chrono::milliseconds window_;
  MonotonicTime full_{};
  std::uint64_t held_back_ = 0;
};

}  // namespace sluice
