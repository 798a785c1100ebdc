#include "dataplane/serve/deadlines.h"

#include <gtest/gtest.h>

namespace sluice::dataplane {
namespace {

using std::chrono::milliseconds;
using Passed = Deadlines::Passed;

const MonotonicTime kStart(milliseconds(1000));

TEST(Deadlines, OfZeroIsNever) {
  EXPECT_EQ(DeadlineAfter(kStart, milliseconds(0)), std::nullopt);
  EXPECT_EQ(DeadlineAfter(kStart, milliseconds(5)), kStart + milliseconds(5));
  EXPECT_EQ(Deadlines().At(MonotonicTime::max()), Passed::kNone);
}

TEST(Deadlines, PassWhenTheirTimeHasCome) {
  const Deadlines stage{.stage = kStart, .session = std::nullopt};
  EXPECT_EQ(stage.At(kStart - milliseconds(1)), Passed::kNone);
  EXPECT_EQ(stage.At(kStart), Passed::kStage);
  const Deadlines both{.stage = kStart, .session = kStart + milliseconds(1)};
  EXPECT_EQ(both.At(kStart), Passed::kStage);
  EXPECT_EQ(both.At(kStart + milliseconds(1)), Passed::kSession) << "its life is over anyhow";
}

class CountingTimer : public Timer {
 public:
  int fired = 0;

 private:
  void OnTimer() override { ++fired; }
};

TEST(Deadlines, ArmTheirTimerForTheNearest) {
  TimerWheel wheel(kStart);
  CountingTimer timer;
  Deadlines{.stage = kStart + milliseconds(9), .session = kStart + milliseconds(4)}.Arm(wheel,
                                                                                        timer);
  wheel.Advance(kStart + milliseconds(3));
  EXPECT_EQ(timer.fired, 0);
  wheel.Advance(kStart + milliseconds(4));
  EXPECT_EQ(timer.fired, 1);
  Deadlines{.stage = kStart + milliseconds(9), .session = std::nullopt}.Arm(wheel, timer);
  EXPECT_TRUE(timer.armed());
  Deadlines().Arm(wheel, timer);
  EXPECT_FALSE(timer.armed());
}

}  // namespace
}  // namespace sluice::dataplane
