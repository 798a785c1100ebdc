#include "dataplane/discovery/backoff.h"

#include <gtest/gtest.h>

#include <chrono>
#include <set>

namespace sluice::dataplane {
namespace {

using std::chrono::milliseconds;

TEST(Backoff, DelaysGrowToTheLongestAndStayWithinTheirCeiling) {
  Backoff backoff({milliseconds(100), milliseconds(1'000)}, 1);
  for (const int ceiling : {100, 200, 400, 800, 1'000, 1'000}) {
    const milliseconds delay = backoff.Next();
    EXPECT_LE(delay, milliseconds(ceiling));
    EXPECT_GE(delay, milliseconds(ceiling / 10));
  }
}

TEST(Backoff, AResetStartsOver) {
  Backoff backoff({milliseconds(100), milliseconds(100'000)}, 1);
  for (int i = 0; i < 10; ++i) backoff.Next();
  backoff.Reset();
  EXPECT_LE(backoff.Next(), milliseconds(100));
}

TEST(Backoff, AThousandClientsThatLoseOneServerAtOnceDoNotComeBackAtOneMoment) {
  std::multiset<std::int64_t> arrivals;
  for (std::uint64_t client = 0; client < 1'000; ++client) {
    arrivals.insert(Backoff({}, client).Next().count());
  }
  // Within any 50 of the 450 ms there is not much more than a ninth of them.
  for (const std::int64_t from : arrivals) {
    const auto in_window =
        std::distance(arrivals.lower_bound(from), arrivals.lower_bound(from + 50));
    EXPECT_LT(in_window, 200);
  }
}

}  // namespace
}  // namespace sluice::dataplane
