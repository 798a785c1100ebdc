#include "common/model/field_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/limits.h"
#include "common/base/text_format.h"

namespace sluice::model {
namespace {

bool IsLower(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool IsAlphanumeric(char c) { return IsLower(c) || (c >= 'A' && c <= 'Z'); }

// RFC 1123 label.
bool IsDnsLabel(std::string_view text) {
  return !text.empty() && text.size() <= limits::kNameLength && IsLower(text.front()) &&
         IsLower(text.back()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return IsLower(c) || c == '-'; });
}

bool IsDnsSubdomain(std::string_view text) {
  constexpr std::size_t kMost = 253;
  if (text.size() > kMost) return false;
  while (true) {
    const std::size_t dot = text.find('.');
    if (!IsDnsLabel(text.substr(0, dot))) return false;
    if (dot == text.npos) return true;
    text.remove_prefix(dot + 1);
  }
}

// The name part of a label key, or a label's value.
bool IsLabelText(std::string_view text) {
  return !text.empty() && text.size() <= limits::kNameLength && IsAlphanumeric(text.front()) &&
         IsAlphanumeric(text.back()) && std::all_of(text.begin(), text.end(), [](char c) {
           return IsAlphanumeric(c) || c == '-' || c == '_' || c == '.';
         });
}

}  // namespace

std::string Item(std::string_view field, std::size_t index) {
  return fmt::format("{}[{}]", field, index);
}

bool IsLabelKey(std::string_view key) {
  const std::size_t slash = key.find('/');
  if (slash == key.npos) return IsLabelText(key);
  return IsDnsSubdomain(key.substr(0, slash)) && IsLabelText(key.substr(slash + 1));
}

bool FieldCheck::full() const { return violations_.size() >= limits::kViolationsCounted; }

void FieldCheck::Refuse(std::string_view field, std::string_view problem) {
  if (full()) return;
  violations_.push_back({std::string(field), fmt::format("`{}` {}", field, problem)});
}

void FieldCheck::Number(std::string_view field, std::uint64_t value, std::uint64_t least,
                        std::uint64_t most) {
  if (value >= least && value <= most) return;
  Refuse(field, fmt::format("must be {}-{}, got '{}'", least, most, value));
}

void FieldCheck::Size(std::string_view field, std::uint64_t bytes, std::uint64_t least,
                      std::uint64_t most) {
  if (bytes >= least && bytes <= most) return;
  Refuse(field, fmt::format("must be {}-{}, got '{}'", FormatSize(least), FormatSize(most),
                            FormatSize(bytes)));
}

void FieldCheck::Count(std::string_view field, std::size_t count, std::size_t least,
                       std::size_t most) {
  if (count >= least && count <= most) return;
  if (least == 0) {
    Refuse(field, fmt::format("must have at most {} entries, got {}", most, count));
  } else {
    Refuse(field, fmt::format("must have {}-{} entries, got {}", least, most, count));
  }
}

void FieldCheck::Duration(std::string_view field, const google::protobuf::Duration& duration,
                          const DurationRange& allowed) {
  const std::string range =
      fmt::format("{}{}-{}{}", allowed.or_zero ? "0s or " : "", FormatDuration(allowed.least),
                  FormatDuration(allowed.most), allowed.whole_seconds ? " in whole seconds" : "");
  // Seconds that std::chrono::nanoseconds holds: about 292 years.
  constexpr std::int64_t kRepresentable = 9'000'000'000;
  if (duration.seconds() < 0 || duration.seconds() > kRepresentable || duration.nanos() < 0 ||
      duration.nanos() > 999'999'999) {
    Refuse(field, fmt::format("must be {}, got {} seconds and {} nanoseconds", range,
                              duration.seconds(), duration.nanos()));
    return;
  }
  const std::chrono::nanoseconds value =
      std::chrono::seconds(duration.seconds()) + std::chrono::nanoseconds(duration.nanos());
  const bool in_range = value >= allowed.least && value <= allowed.most &&
                        (!allowed.whole_seconds || duration.nanos() == 0);
  if (in_range || (allowed.or_zero && value.count() == 0)) return;
  Refuse(field, fmt::format("must be {}, got '{}'", range, FormatDuration(value)));
}

void FieldCheck::UnknownEnum(std::string_view field, int number) {
  Refuse(field, fmt::format("must be a value this version knows, got number '{}'", number));
}

void FieldCheck::ObjectName(std::string_view field, std::string_view name) {
  if (name.empty()) return RefuseMissing(field);
  if (IsDnsLabel(name)) return;
  Refuse(field,
         fmt::format("must be 1-{} of a-z, 0-9 and '-', starting and ending with a letter or "
                     "digit, got {}",
                     limits::kNameLength, Quoted(name)));
}

void FieldCheck::Labels(std::string_view field,
                        const google::protobuf::Map<std::string, std::string>& labels) {
  Count(field, labels.size(), 0, limits::kLabels);
  for (const auto& [key, value] : labels) {
    if (!IsLabelKey(key)) {
      Refuse(field, fmt::format("must have keys of 1-{} letters, digits, '-', '_' and '.', with an "
                                "optional DNS prefix and '/', got {}",
                                limits::kNameLength, Quoted(key)));
    } else if (!value.empty() && !IsLabelText(value)) {
      Refuse(fmt::format("{}[{}]", field, key),
             fmt::format("must be empty or 1-{} letters, digits, '-', '_' and '.', starting and "
                         "ending with a letter or digit, got {}",
                         limits::kNameLength, Quoted(value)));
    }
  }
}

void FieldCheck::Template(std::string_view field, std::string_view text, TemplateUse use) {
  if (text.empty()) return RefuseMissing(field);
  if (const auto parts = ParseTemplate(text, use); !parts) Refuse(field, parts.error().message);
}

}  // namespace sluice::model
