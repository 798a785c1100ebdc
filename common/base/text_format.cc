#include "common/base/text_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <optional>
#include <vector>

#include "common/base/bounded_text.h"

namespace sluice {
namespace {

using std::chrono::nanoseconds;

struct DurationUnit {
  std::string_view name;
  std::int64_t nanoseconds;
};
// Largest first.
constexpr std::array<DurationUnit, 7> kDurationUnits{{
    {"d", 86'400'000'000'000},
    {"h", 3'600'000'000'000},
    {"m", 60'000'000'000},
    {"s", 1'000'000'000},
    {"ms", 1'000'000},
    {"us", 1'000},
    {"ns", 1},
}};
constexpr std::int64_t kLongestDuration = 100 * 365 * kDurationUnits[0].nanoseconds;

struct SizeUnit {
  std::string_view name;
  std::uint64_t bytes;
};
// In the order of preference for printing.
constexpr std::array<SizeUnit, 7> kSizeUnits{{
    {"GiB", 1ULL << 30},
    {"MiB", 1ULL << 20},
    {"KiB", 1ULL << 10},
    {"GB", 1'000'000'000},
    {"MB", 1'000'000},
    {"kB", 1'000},
    {"B", 1},
}};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Cuts the longest start of `text` that satisfies `wanted` off it.
std::string_view Take(std::string_view& text, bool (*wanted)(char)) {
  const auto end = std::find_if_not(text.begin(), text.end(), wanted);
  const auto size = static_cast<std::size_t>(end - text.begin());
  const std::string_view taken = text.substr(0, size);
  text.remove_prefix(size);
  return taken;
}

std::optional<std::uint64_t> ParseDigits(std::string_view digits) {
  std::uint64_t value = 0;
  for (char c : digits) {
    if (__builtin_mul_overflow(value, std::uint64_t{10}, &value) ||
        __builtin_add_overflow(value, static_cast<std::uint64_t>(c - '0'), &value)) {
      return std::nullopt;
    }
  }
  return value;
}

tl::unexpected<Error> DurationError(std::string_view allowed, std::string_view text) {
  return Fail(ErrorCode::kInvalidArgument, fmt::format("{}, got {}", allowed, Quoted(text)));
}

// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`, case ignored.
std::size_t EditDistance(std::string_view a, std::string_view b) {
  const auto same = [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  };
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min(
          {above[j] + 1, row[j - 1] + 1, above[j - 1] + (same(a[i - 1], b[j - 1]) ? 0U : 1U)});
      if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1])) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

}  // namespace

Result<nanoseconds> ParseDuration(std::string_view text) {
  constexpr std::string_view kSyntax =
      "must be a duration such as 5s, 1m30s or 250ms (units d h m s ms us ns, largest first)";
  constexpr std::string_view kTooLong = "must be a duration of at most 36500d";
  if (text == "0") return nanoseconds{0};
  if (text.empty()) return DurationError(kSyntax, text);
  std::int64_t total = 0;
  auto next_unit = kDurationUnits.begin();
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view whole = Take(rest, IsDigit);
    std::string_view fraction;
    if (rest.starts_with('.')) {
      rest.remove_prefix(1);
      fraction = Take(rest, IsDigit);
      if (fraction.empty()) return DurationError(kSyntax, text);
    }
    const std::string_view name = Take(rest, IsLetter);
    const auto unit = std::find_if(next_unit, kDurationUnits.end(),
                                   [&](const DurationUnit& u) { return u.name == name; });
    if (whole.empty() || unit == kDurationUnits.end()) return DurationError(kSyntax, text);
    next_unit = unit + 1;

    const std::optional<std::uint64_t> count = ParseDigits(whole);
    if (!count || *count > static_cast<std::uint64_t>(kLongestDuration / unit->nanoseconds)) {
      return DurationError(kTooLong, text);
    }
    total += static_cast<std::int64_t>(*count) * unit->nanoseconds;
    std::int64_t place = unit->nanoseconds;
    for (char digit : fraction) {
      if (place % 10 != 0 && digit != '0') {
        return DurationError("must be a whole number of nanoseconds", text);
      }
      place /= 10;
      total += (digit - '0') * place;
    }
    if (total > kLongestDuration) return DurationError(kTooLong, text);
  }
  return nanoseconds{total};
}

std::string FormatDuration(nanoseconds duration) {
  std::int64_t left = duration.count();
  if (left == 0) return "0s";
  std::string text = left < 0 ? "-" : "";
  for (const DurationUnit& unit : kDurationUnits) {
    const std::int64_t count = left / unit.nanoseconds;
    left %= unit.nanoseconds;
    if (count != 0) text += fmt::format("{}{}", count < 0 ? -count : count, unit.name);
  }
  return text;
}

Result<std::uint64_t> ParseSize(std::string_view text) {
  std::string_view rest = text;
  const std::string_view digits = Take(rest, IsDigit);
  const auto unit = std::find_if(kSizeUnits.begin(), kSizeUnits.end(), [&](const SizeUnit& u) {
    return u.name == (rest.empty() ? "B" : rest);
  });
  if (digits.empty() || unit == kSizeUnits.end()) {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format(
            "must be a size such as 16KiB, 4MiB or 1500 (units B kB MB GB KiB MiB GiB), got {}",
            Quoted(text)));
  }
  const std::optional<std::uint64_t> count = ParseDigits(digits);
  std::uint64_t bytes = 0;
  if (!count || __builtin_mul_overflow(*count, unit->bytes, &bytes)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("must be a size of less than 2^64 bytes, got {}", Quoted(text)));
  }
  return bytes;
}

std::string FormatSize(std::uint64_t bytes) {
  for (const SizeUnit& unit : kSizeUnits) {
    if (unit.bytes > 1 && bytes != 0 && bytes % unit.bytes == 0) {
      return fmt::format("{}{}", bytes / unit.bytes, unit.name);
    }
  }
  return std::to_string(bytes);
}

std::string Counted(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string_view ClosestWord(std::string_view word, const std::string_view* candidates,
                             std::size_t count) {
  constexpr std::size_t kLongestWord = 64;  // Bounds the work; no known word is longer.
  if (word.size() > kLongestWord) return {};
  std::string_view best;
  // A third of the letters may be wrong: more of them is another word.
  std::size_t best_distance = std::max<std::size_t>(word.size() / 3, 1) + 1;
  for (std::size_t i = 0; i < count; ++i) {
    if (candidates[i].size() > kLongestWord) continue;
    const std::size_t distance = EditDistance(word, candidates[i]);
    if (distance < best_distance && distance < candidates[i].size()) {
      best = candidates[i];
      best_distance = distance;
    }
  }
  return best;
}

bool HasControlCharacter(std::string_view text, std::string_view but) {
  return std::any_of(text.begin(), text.end(), [but](char c) {
    const auto code = static_cast<unsigned char>(c);
    return (code < 0x20 || code == 0x7F) && but.find(c) == but.npos;
  });
}

std::string Printable(std::string_view text) {
  constexpr std::size_t kShown = 80;
  const bool cut = text.size() > kShown;
  text = CutAtCharacter(text, kShown);
  std::string out;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  if (cut) out += "…";
  return out;
}

std::string Quoted(std::string_view text) { return fmt::format("'{}'", Printable(text)); }

}  // namespace sluice
