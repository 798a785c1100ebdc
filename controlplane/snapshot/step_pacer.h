// When the snapshot feed takes its next step: at once after quiet, so that one change is fast;
// while changes go on, late enough that the streams have had their share of the processor and many
// changes become one step. Decides from times it is told; no clock of its own. Not thread-safe.
#pragma once

#include <chrono>
#include <cstddef>

namespace sluice::controlplane {

class StepPacer {
 public:
  using Clock = std::chrono::steady_clock;

  // Between the beginnings of two steps: what each stream takes to send, be acknowledged and
  // report, on one processor, up to kEnough.
  static constexpr std::chrono::microseconds kOneStream{100};
  static constexpr std::chrono::milliseconds kEnough{100};
  // A step that took long (it tells every stream) leaves as many times that to everything else.
  static constexpr int kShare = 4;
  static constexpr std::chrono::milliseconds kLongest{200};

  // Not before this; in the past: at once.
  Clock::time_point NextStep() const { return next_; }
  // `streams` were told.
  void Stepped(Clock::time_point begun, Clock::time_point done, std::size_t streams);

 private:
  Clock::time_point next_{};
};

}  // namespace sluice::controlplane
