#include "dataplane/variables/time_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <limits>

namespace sluice::dataplane {
namespace {

struct SecondTexts {
  std::time_t second = std::numeric_limits<std::time_t>::min();
  std::array<char, 32> iso8601;
  std::array<char, 32> common_log;
  std::size_t iso8601_size = 0;
  std::size_t common_log_size = 0;
};

// Names of months are not taken from strftime: they must not depend on a locale.
constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

template <typename... Args>
std::size_t Print(std::array<char, 32>& out, fmt::format_string<Args...> format, Args&&... args) {
  return std::min(
      out.size(),
      fmt::format_to_n(out.data(), out.size(), format, std::forward<Args>(args)...).size);
}

void Make(std::time_t second, SecondTexts& texts) {
  std::tm tm{};
  localtime_r(&second, &tm);
  const char sign = tm.tm_gmtoff < 0 ? '-' : '+';
  const long minutes = (tm.tm_gmtoff < 0 ? -tm.tm_gmtoff : tm.tm_gmtoff) / 60;
  texts.iso8601_size = Print(texts.iso8601, "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}{:02}:{:02}",
                             tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
                             tm.tm_sec, sign, minutes / 60, minutes % 60);
  texts.common_log_size =
      Print(texts.common_log, "{:02}/{}/{:04}:{:02}:{:02}:{:02} {}{:02}{:02}", tm.tm_mday,
            kMonths[static_cast<std::size_t>(tm.tm_mon)], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
            tm.tm_sec, sign, minutes / 60, minutes % 60);
  texts.second = second;
}

const SecondTexts& TextsOf(WallTime time) {
  thread_local SecondTexts texts;
  const std::time_t second =
      std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  if (second != texts.second) Make(second, texts);
  return texts;
}

}  // namespace

void AppendIso8601(WallTime time, std::string& out) {
  const SecondTexts& texts = TextsOf(time);
  out.append(texts.iso8601.data(), texts.iso8601_size);
}

void AppendCommonLog(WallTime time, std::string& out) {
  const SecondTexts& texts = TextsOf(time);
  out.append(texts.common_log.data(), texts.common_log_size);
}

void AppendSeconds(std::chrono::milliseconds duration, std::string& out) {
  const auto ms = std::max<std::chrono::milliseconds::rep>(duration.count(), 0);
  const fmt::format_int whole(ms / 1000);
  const fmt::format_int fraction(1000 + ms % 1000);  // `1`, then three digits.
  out.append(whole.data(), whole.size());
  out += '.';
  out.append(fraction.data() + 1, fraction.size() - 1);
}

}  // namespace sluice::dataplane
