#include "dataplane/loop/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace sluice::dataplane {
namespace {

using std::chrono::milliseconds;

// How far ahead (1 and more) the next set bit of a ring of 64 is, seen from `from`.
std::optional<std::uint64_t> NextInRing(std::uint64_t occupied, std::size_t from) {
  if (occupied == 0) return std::nullopt;
  const std::uint64_t turned = std::rotr(occupied, static_cast<int>((from + 1) % 64));
  return static_cast<std::uint64_t>(std::countr_zero(turned)) + 1;
}

}  // namespace

std::uint64_t TimerWheel::TickAtOrBefore(MonotonicTime time) const {
  if (time <= start_) return 0;
  return static_cast<std::uint64_t>(std::chrono::floor<milliseconds>(time - start_).count());
}

void TimerWheel::Arm(Timer& timer, MonotonicTime deadline) {
  timer.Unlink();
  const auto since_start = std::max(deadline, start_) - start_;
  timer.tick_ =
      std::max(static_cast<std::uint64_t>(std::chrono::ceil<milliseconds>(since_start).count()),
               current_ + 1);
  Place(timer);
}

// A timer whose tick is current_ is put where the Fire() that follows finds it.
void TimerWheel::Place(Timer& timer) {
  const std::uint64_t ahead = timer.tick_ - current_;
  if (ahead < kFirstSlots) {
    const std::size_t slot = timer.tick_ % kFirstSlots;
    first_[slot].PushFront(timer);
    first_occupied_[slot / 64] |= std::uint64_t{1} << (slot % 64);
    return;
  }
  std::size_t shift = kFirstBits;
  std::size_t level = 0;
  while (level + 1 < kUpperLevels && ahead >> (shift + kUpperBits) != 0) {
    shift += kUpperBits;
    ++level;
  }
  // Beyond the horizon (49 days) it waits in the farthest slot and is placed again from there.
  const std::uint64_t horizon = current_ + (std::uint64_t{1} << (shift + kUpperBits)) - 1;
  const std::size_t slot = (std::min(timer.tick_, horizon) >> shift) % kUpperSlots;
  upper_[level].slots[slot].PushFront(timer);
  upper_[level].occupied |= std::uint64_t{1} << slot;
}

void TimerWheel::Cascade(std::size_t level, std::size_t slot) {
  UpperLevel& upper = upper_[level];
  upper.occupied &= ~(std::uint64_t{1} << slot);
  IntrusiveList<Timer> list;
  list.TakeAll(upper.slots[slot]);
  while (!list.empty()) {
    Timer& timer = *list.front();
    timer.Unlink();
    Place(timer);
  }
}

void TimerWheel::Fire(std::size_t slot) {
  first_occupied_[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
  IntrusiveList<Timer> list;
  list.TakeAll(first_[slot]);
  while (!list.empty()) {
    Timer& timer = *list.front();
    timer.Unlink();
    timer.OnTimer();
  }
}

void TimerWheel::Advance(MonotonicTime now) {
  const std::uint64_t target = TickAtOrBefore(now);
  while (current_ < target) {
    const std::optional<std::uint64_t> next = NextTick();
    if (!next || *next > target) {
      current_ = target;
      return;
    }
    current_ = *next;
    std::size_t shift = kFirstBits;
    for (std::size_t level = 0; level < kUpperLevels; ++level, shift += kUpperBits) {
      if (current_ % (std::uint64_t{1} << shift) != 0) break;
      Cascade(level, (current_ >> shift) % kUpperSlots);
    }
    Fire(current_ % kFirstSlots);
  }
}

// The next tick at which there is something to fire or to cascade.
std::optional<std::uint64_t> TimerWheel::NextTick() const {
  std::optional<std::uint64_t> next;
  const std::size_t here = current_ % kFirstSlots;
  for (std::size_t ahead = 1; ahead <= kFirstSlots;) {
    const std::size_t slot = (here + ahead) % kFirstSlots;
    const std::uint64_t word = first_occupied_[slot / 64] >> (slot % 64);
    if (word != 0) {
      const std::uint64_t found = ahead + static_cast<std::uint64_t>(std::countr_zero(word));
      if (found <= kFirstSlots) next = current_ + found;
      break;
    }
    ahead += 64 - slot % 64;
  }
  std::size_t shift = kFirstBits;
  for (const UpperLevel& level : upper_) {
    const std::uint64_t position = current_ >> shift;
    if (const auto ahead = NextInRing(level.occupied, position % kUpperSlots)) {
      const std::uint64_t tick = (position + *ahead) << shift;
      if (!next || tick < *next) next = tick;
    }
    shift += kUpperBits;
  }
  return next;
}

std::optional<milliseconds> TimerWheel::UntilNext(MonotonicTime now) const {
  const std::optional<std::uint64_t> tick = NextTick();
  if (!tick) return std::nullopt;
  const MonotonicTime due = start_ + milliseconds(*tick);
  return std::max(std::chrono::ceil<milliseconds>(due - now), milliseconds(0));
}

}  // namespace sluice::dataplane
