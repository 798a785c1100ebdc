#include "controlplane/ctl/age.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::ctl {
namespace {

constexpr std::int64_t kMinute = 60;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::int64_t kYear = 365 * kDay;

struct Unit {
  std::int64_t seconds;
  char letter;
};

std::string InTwo(std::int64_t seconds, Unit large, Unit small) {
  const std::int64_t rest = seconds % large.seconds / small.seconds;
  auto text = fmt::format("{}{}", seconds / large.seconds, large.letter);
  if (rest > 0) text += fmt::format("{}{}", rest, small.letter);
  return text;
}

}  // namespace

std::string FormatAge(std::chrono::seconds age) {
  const std::int64_t s = std::max<std::int64_t>(age.count(), 0);
  if (s < 2 * kMinute) return fmt::format("{}s", s);
  if (s < 10 * kMinute) return InTwo(s, {kMinute, 'm'}, {1, 's'});
  if (s < 3 * kHour) return fmt::format("{}m", s / kMinute);
  if (s < 8 * kHour) return InTwo(s, {kHour, 'h'}, {kMinute, 'm'});
  if (s < 2 * kDay) return fmt::format("{}h", s / kHour);
  if (s < 8 * kDay) return InTwo(s, {kDay, 'd'}, {kHour, 'h'});
  if (s < 2 * kYear) return fmt::format("{}d", s / kDay);
  return InTwo(s, {kYear, 'y'}, {kDay, 'd'});
}

std::string AgeOf(const google::protobuf::Timestamp& time,
                  std::chrono::system_clock::time_point now) {
  if (time.seconds() == 0 && time.nanos() == 0) return "<unknown>";
  const auto then = std::chrono::system_clock::time_point(std::chrono::seconds(time.seconds()));
  return FormatAge(std::chrono::duration_cast<std::chrono::seconds>(now - then));
}

}  // namespace sluice::ctl
