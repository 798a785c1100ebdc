// The clock of deadlines and durations.
#pragma once

#include <chrono>
#include <cstdint>

namespace sluice {

using MonotonicTime = std::chrono::steady_clock::time_point;

// Since the clock's start, rounded down.
inline std::int64_t WholeSeconds(MonotonicTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace sluice
