#include "dataplane/variables/time_text.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace sluice::dataplane {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string Iso8601(seconds since_epoch) {
  std::string out;
  AppendIso8601(WallTime(since_epoch), out);
  return out;
}
std::string CommonLog(seconds since_epoch) {
  std::string out;
  AppendCommonLog(WallTime(since_epoch), out);
  return out;
}
std::string Seconds(milliseconds duration) {
  std::string out;
  AppendSeconds(duration, out);
  return out;
}

// The local zone belongs to the process: each test sets it before it asks for a second that no
// other test asks for.
void SetZone(const char* zone) {
  setenv("TZ", zone, 1);
  tzset();
}

TEST(TimeText, IsNginxsInUtc) {
  SetZone("UTC0");
  EXPECT_EQ(Iso8601(seconds(1'795'235'967)), "2026-11-21T04:39:27+00:00");
  EXPECT_EQ(CommonLog(seconds(1'795'235'967)), "21/Nov/2026:04:39:27 +0000");
}

TEST(TimeText, HasTheOffsetOfTheLocalZone) {
  SetZone("XXX-5:30");  // POSIX: east is negative.
  EXPECT_EQ(Iso8601(seconds(1'795'235'000)), "2026-11-21T09:53:20+05:30");
  EXPECT_EQ(CommonLog(seconds(1'795'235'000)), "21/Nov/2026:09:53:20 +0530");
  SetZone("XXX3:30");
  EXPECT_EQ(CommonLog(seconds(1'795'236'000)), "21/Nov/2026:01:10:00 -0330");
}

TEST(TimeText, FollowsTheSecond) {
  SetZone("UTC0");
  EXPECT_EQ(Iso8601(seconds(59)), "1970-01-01T00:00:59+00:00");
  EXPECT_EQ(Iso8601(seconds(60)), "1970-01-01T00:01:00+00:00");
  EXPECT_EQ(Iso8601(seconds(59)), "1970-01-01T00:00:59+00:00");
}

TEST(TimeText, WritesDurationsInSecondsAndMilliseconds) {
  EXPECT_EQ(Seconds(milliseconds(0)), "0.000");
  EXPECT_EQ(Seconds(milliseconds(7)), "0.007");
  EXPECT_EQ(Seconds(milliseconds(61'250)), "61.250");
  EXPECT_EQ(Seconds(milliseconds(-1)), "0.000");
}

}  // namespace
}  // namespace sluice::dataplane
