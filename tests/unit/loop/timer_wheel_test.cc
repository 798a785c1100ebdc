#include "dataplane/loop/timer_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace sluice::dataplane {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

const MonotonicTime kStart = MonotonicTime() + 12345678us;

class CountingTimer final : public Timer {
 public:
  int fired = 0;

 private:
  void OnTimer() override { ++fired; }
};

TEST(TimerWheel, FiresAtTheDeadlineAndNotBefore) {
  for (const milliseconds delay : {1ms, 2ms, 255ms, 256ms, 257ms, 16383ms, 16384ms, 16385ms,
                                   1048576ms, 67108865ms, milliseconds(4294967296 + 5)}) {
    TimerWheel wheel(kStart);
    CountingTimer timer;
    wheel.Arm(timer, kStart + delay);
    wheel.Advance(kStart + delay - 1us);
    EXPECT_EQ(timer.fired, 0) << delay.count();
    wheel.Advance(kStart + delay);
    EXPECT_EQ(timer.fired, 1) << delay.count();
    EXPECT_FALSE(timer.armed());
  }
}

TEST(TimerWheel, RoundsADeadlineBetweenTwoTicksUp) {
  TimerWheel wheel(kStart);
  CountingTimer timer;
  wheel.Arm(timer, kStart + 1500us);
  wheel.Advance(kStart + 1600us);
  EXPECT_EQ(timer.fired, 0);
  wheel.Advance(kStart + 2ms);
  EXPECT_EQ(timer.fired, 1);
}

TEST(TimerWheel, FiresADeadlineThatHasPassedAtTheNextTick) {
  TimerWheel wheel(kStart);
  wheel.Advance(kStart + 5s);
  CountingTimer timer;
  wheel.Arm(timer, kStart + 1s);
  wheel.Advance(kStart + 5001ms);
  EXPECT_EQ(timer.fired, 1);
}

TEST(TimerWheel, DoesNotFireWhatWasCancelledOrDestroyed) {
  TimerWheel wheel(kStart);
  CountingTimer cancelled;
  wheel.Arm(cancelled, kStart + 10ms);
  {
    CountingTimer destroyed;
    wheel.Arm(destroyed, kStart + 10ms);
  }
  wheel.Cancel(cancelled);
  wheel.Advance(kStart + 1s);
  EXPECT_EQ(cancelled.fired, 0);
  EXPECT_EQ(wheel.UntilNext(kStart + 1s), std::nullopt);
}

TEST(TimerWheel, MovesAnArmedTimer) {
  TimerWheel wheel(kStart);
  CountingTimer timer;
  wheel.Arm(timer, kStart + 10ms);
  wheel.Arm(timer, kStart + 10s);
  wheel.Advance(kStart + 9s);
  EXPECT_EQ(timer.fired, 0);
  wheel.Advance(kStart + 10s);
  EXPECT_EQ(timer.fired, 1);
}

// Arms and cancels others while it fires.
class MeddlingTimer final : public Timer {
 public:
  MeddlingTimer(TimerWheel& wheel, Timer& victim) : wheel_(wheel), victim_(victim) {}
  int fired = 0;

 private:
  void OnTimer() override {
    ++fired;
    wheel_.Cancel(victim_);
    wheel_.Arm(*this, kStart);  // Long past: must not fire in the same round for ever.
  }
  TimerWheel& wheel_;
  Timer& victim_;
};

TEST(TimerWheel, ATimerMayCancelItsNeighbourAndArmItselfWhileFiring) {
  TimerWheel wheel(kStart);
  CountingTimer first;
  MeddlingTimer meddler(wheel, first);
  wheel.Arm(first, kStart + 3ms);
  wheel.Arm(meddler, kStart + 3ms);  // The last armed of a slot fires first.
  wheel.Advance(kStart + 4ms);
  EXPECT_EQ(first.fired, 0);
  EXPECT_GE(meddler.fired, 1);
  EXPECT_LE(meddler.fired, 2);
  EXPECT_TRUE(meddler.armed());
}

TEST(TimerWheel, TheLoopNeverSleepsPastADeadlineAndWakesSeldomForNothing) {
  std::minstd_rand random(7);
  for (int round = 0; round < 200; ++round) {
    TimerWheel wheel(kStart);
    MonotonicTime now = kStart + milliseconds(random() % 100'000);
    wheel.Advance(now);
    CountingTimer timer;
    const MonotonicTime deadline = now + milliseconds(1 + random() % 100'000'000);
    wheel.Arm(timer, deadline);
    int wakeups = 0;
    while (timer.fired == 0) {
      const auto sleep = wheel.UntilNext(now);
      ASSERT_TRUE(sleep.has_value());
      now += *sleep;
      ASSERT_LE(now, deadline + 1ms);
      wheel.Advance(now);
      ++wakeups;
    }
    EXPECT_GE(now, deadline);
    EXPECT_LE(wakeups, 8);
  }
}

class RecordingTimer final : public Timer {
 public:
  explicit RecordingTimer(std::vector<int>& log, int name) : log_(log), name_(name) {}

 private:
  void OnTimer() override { log_.push_back(name_); }
  std::vector<int>& log_;
  const int name_;
};

TEST(TimerWheel, AgreesWithASortedMapOverRandomOperations) {
  std::minstd_rand random(42);
  TimerWheel wheel(kStart);
  std::vector<int> fired;
  constexpr int kTimers = 200;
  std::vector<std::unique_ptr<RecordingTimer>> timers;
  for (int i = 0; i < kTimers; ++i) timers.push_back(std::make_unique<RecordingTimer>(fired, i));
  std::map<int, MonotonicTime> expected;
  MonotonicTime now = kStart;
  for (int step = 0; step < 20'000; ++step) {
    const int which = static_cast<int>(random() % kTimers);
    const auto what = random() % 10;
    if (what < 6) {
      const auto scale = std::uint64_t{1} << (random() % 24);
      const MonotonicTime deadline = now + milliseconds(1 + random() % scale);
      wheel.Arm(*timers[static_cast<std::size_t>(which)], deadline);
      expected[which] = deadline;
    } else if (what == 6) {
      wheel.Cancel(*timers[static_cast<std::size_t>(which)]);
      expected.erase(which);
    } else {
      now += milliseconds(random() % (std::uint64_t{1} << (random() % 20)));
      fired.clear();
      wheel.Advance(now);
      std::map<int, MonotonicTime> left;
      std::size_t due = 0;
      for (const auto& [name, deadline] : expected) {
        if (deadline <= now) {
          ++due;
          EXPECT_EQ(std::count(fired.begin(), fired.end(), name), 1);
        } else {
          left.emplace(name, deadline);
        }
      }
      ASSERT_EQ(fired.size(), due);
      expected = std::move(left);
    }
  }
}

}  // namespace
}  // namespace sluice::dataplane
