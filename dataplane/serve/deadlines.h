// What a session may not outlast. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "common/base/monotonic_time.h"
#include "dataplane/loop/timer_wheel.h"

namespace sluice::dataplane {

// None when `timeout` is 0, which means never.
inline std::optional<MonotonicTime> DeadlineAfter(MonotonicTime start,
                                                  std::chrono::milliseconds timeout) {
  if (timeout.count() == 0) return std::nullopt;
  return start + timeout;
}

struct Deadlines {
  std::optional<MonotonicTime> stage;    // Of what it is doing: its phases, connecting, silence.
  std::optional<MonotonicTime> session;  // Of its whole life.

  enum class Passed : std::uint8_t { kNone, kStage, kSession };
  // The session's comes first when both have passed.
  Passed At(MonotonicTime now) const {
    if (session && *session <= now) return Passed::kSession;
    return stage && *stage <= now ? Passed::kStage : Passed::kNone;
  }

  // For the nearest; not at all when there is none.
  void Arm(TimerWheel& timers, Timer& timer) const {
    if (stage && session) {
      timers.Arm(timer, std::min(*stage, *session));
    } else if (stage || session) {
      timers.Arm(timer, stage ? *stage : *session);
    } else {
      timers.Cancel(timer);
    }
  }
};

}  // namespace sluice::dataplane
