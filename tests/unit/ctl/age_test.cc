#include "controlplane/ctl/age.h"

#include <gtest/gtest.h>

namespace sluice::ctl {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(Age, ShowsTheTwoUnitsThatMatter) {
  EXPECT_EQ(FormatAge(seconds(0)), "0s");
  EXPECT_EQ(FormatAge(seconds(119)), "119s");
  EXPECT_EQ(FormatAge(seconds(120)), "2m");
  EXPECT_EQ(FormatAge(seconds(310)), "5m10s");
  EXPECT_EQ(FormatAge(minutes(45)), "45m");
  EXPECT_EQ(FormatAge(hours(3) + minutes(20)), "3h20m");
  EXPECT_EQ(FormatAge(hours(30)), "30h");
  EXPECT_EQ(FormatAge(hours(3 * 24 + 4)), "3d4h");
  EXPECT_EQ(FormatAge(hours(100 * 24)), "100d");
  EXPECT_EQ(FormatAge(hours(24) * (3 * 365 + 7)), "3y7d");
}

TEST(Age, CountsATimeInTheFutureAsNow) {
  google::protobuf::Timestamp time;
  time.set_seconds(1000);
  EXPECT_EQ(AgeOf(time, std::chrono::system_clock::time_point(seconds(990))), "0s");
  EXPECT_EQ(AgeOf(time, std::chrono::system_clock::time_point(seconds(1042))), "42s");
}

TEST(Age, SaysWhenATimeIsNotKnown) {
  EXPECT_EQ(AgeOf({}, std::chrono::system_clock::now()), "<unknown>");
}

}  // namespace
}  // namespace sluice::ctl
