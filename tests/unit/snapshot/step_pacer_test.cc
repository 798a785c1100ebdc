#include "controlplane/snapshot/step_pacer.h"

#include <gtest/gtest.h>

namespace sluice::controlplane {
namespace {

using std::chrono::milliseconds;
using Time = StepPacer::Clock::time_point;

const Time kStart = Time(std::chrono::hours(1));

TEST(StepPacer, TheFirstStepIsAtOnce) {
  const StepPacer pacer;
  EXPECT_LE(pacer.NextStep(), kStart);
}

TEST(StepPacer, AFewStreamsHardlyHoldUpTheNextStep) {
  StepPacer pacer;
  pacer.Stepped(kStart, kStart, 2);
  EXPECT_EQ(pacer.NextStep(), kStart + 2 * StepPacer::kOneStream);
}

TEST(StepPacer, ManyStreamsAreGivenTimeUpToABound) {
  StepPacer pacer;
  pacer.Stepped(kStart, kStart, 10'000);
  EXPECT_EQ(pacer.NextStep(), kStart + StepPacer::kEnough);
}

TEST(StepPacer, ALongStepLeavesTimeToEverythingElse) {
  StepPacer pacer;
  pacer.Stepped(kStart, kStart + milliseconds(15), 1);
  EXPECT_EQ(pacer.NextStep(), kStart + milliseconds(15) * StepPacer::kShare);
}

TEST(StepPacer, NoChangeWaitsLongerThanTheLongestPause) {
  StepPacer pacer;
  pacer.Stepped(kStart, kStart + std::chrono::minutes(1), 1);
  EXPECT_EQ(pacer.NextStep(), kStart + StepPacer::kLongest);
}

}  // namespace
}  // namespace sluice::controlplane
