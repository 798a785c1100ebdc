#include "common/log/event_limit.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using std::chrono::seconds;

TEST(EventLimit, LetsABurstThroughThenOneAtEachIntervalAndCountsTheRest) {
  EventLimit limit(3, seconds(10));
  const MonotonicTime start = MonotonicTime{} + seconds(1000);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limit.Pass(start), 0U);
  EXPECT_EQ(limit.Pass(start), std::nullopt);
  EXPECT_EQ(limit.Pass(start + seconds(9)), std::nullopt);
  EXPECT_EQ(limit.Pass(start + seconds(10)), 2U);
  EXPECT_EQ(limit.Pass(start + seconds(11)), std::nullopt);
}

TEST(EventLimit, HasItsWholeBurstAgainAfterQuiet) {
  EventLimit limit(2, seconds(10));
  const MonotonicTime start = MonotonicTime{} + seconds(1000);
  EXPECT_EQ(limit.Pass(start), 0U);
  EXPECT_EQ(limit.Pass(start), 0U);
  const MonotonicTime later = start + seconds(3600);
  EXPECT_EQ(limit.Pass(later), 0U);
  EXPECT_EQ(limit.Pass(later), 0U);
  EXPECT_EQ(limit.Pass(later), std::nullopt);
}

}  // namespace
}  // namespace sluice
