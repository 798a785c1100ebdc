// Deadlines of one worker: a hierarchical wheel of intrusive timers with a tick of 1 ms. Arming and
// cancelling take constant time and allocate nothing. A deadline that is moved on with every byte
// (an idle timeout) is not armed anew each time: its owner notes the time of the last byte and,
// when the timer fires too early, arms it for what is left. Never fires early; late by up to a tick
// and by the length of a round. Loop's thread only.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

#include "common/base/intrusive_list.h"
#include "common/base/monotonic_time.h"

namespace sluice::dataplane {

class TimerWheel;

// Derive to be called. Cancels itself when destroyed.
class Timer : private IntrusiveLink<Timer> {
 public:
  bool armed() const { return linked(); }

 protected:
  ~Timer() = default;
  // The timer is no longer armed and may be armed again, cancelled or destroyed by its owner here.
  virtual void OnTimer() = 0;

 private:
  friend class TimerWheel;
  friend class IntrusiveLink<Timer>;
  friend class IntrusiveList<Timer>;

  std::uint64_t tick_ = 0;
};

class TimerWheel {
 public:
  explicit TimerWheel(MonotonicTime start) : start_(start) {}
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // An armed timer is moved. A deadline that has passed fires at the next Advance().
  void Arm(Timer& timer, MonotonicTime deadline);
  void Cancel(Timer& timer) { timer.Unlink(); }

  // Fires what is due, in the order of the ticks.
  void Advance(MonotonicTime now);

  // How long the loop may sleep: never longer than to the next deadline, sometimes shorter.
  // Nothing: no timer is armed.
  std::optional<std::chrono::milliseconds> UntilNext(MonotonicTime now) const;

 private:
  static constexpr std::size_t kFirstBits = 8;  // 256 slots of 1 ms.
  static constexpr std::size_t kUpperBits = 6;  // 64 slots each, every level 64 times coarser.
  static constexpr std::size_t kUpperLevels = 4;
  static constexpr std::size_t kFirstSlots = std::size_t{1} << kFirstBits;
  static constexpr std::size_t kUpperSlots = std::size_t{1} << kUpperBits;

  struct UpperLevel {
    std::array<IntrusiveList<Timer>, kUpperSlots> slots;
    std::uint64_t occupied = 0;  // A bit may be set though its list has become empty.
  };

  std::uint64_t TickAtOrBefore(MonotonicTime time) const;
  void Place(Timer& timer);
  void Cascade(std::size_t level, std::size_t slot);
  void Fire(std::size_t slot);
  std::optional<std::uint64_t> NextTick() const;

  const MonotonicTime start_;
  std::uint64_t current_ = 0;  // All ticks up to this one have been fired.
  std::array<IntrusiveList<Timer>, kFirstSlots> first_;
  std::array<std::uint64_t, kFirstSlots / 64> first_occupied_{};
  std::array<UpperLevel, kUpperLevels> upper_{};
};

}  // namespace sluice::dataplane
