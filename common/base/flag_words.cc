#include "common/base/flag_words.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text_format.h"

namespace sluice {

std::optional<bool> ParseSwitch(std::string_view word) {
  constexpr std::string_view kTrue[] = {"true", "True", "TRUE", "t", "T", "1"};
  constexpr std::string_view kFalse[] = {"false", "False", "FALSE", "f", "F", "0"};
  if (std::find(std::begin(kTrue), std::end(kTrue), word) != std::end(kTrue)) return true;
  if (std::find(std::begin(kFalse), std::end(kFalse), word) != std::end(kFalse)) return false;
  return std::nullopt;
}

Error SwitchMistake(std::string_view flag, std::string_view value) {
  return {ErrorCode::kInvalidArgument,
          fmt::format("{} must be true or false, got {}", flag, Quoted(value))};
}

Result<std::vector<std::string>> FlagWords(std::span<const char* const> words,
                                           std::span<const std::string_view> switches) {
  std::vector<std::string> plain;
  for (const std::string_view word : words) {
    const auto equals = word.find('=');
    if (!word.starts_with("--") || equals == word.npos) {
      plain.emplace_back(word);
      continue;
    }
    const std::string_view flag = word.substr(0, equals);
    const std::string_view value = word.substr(equals + 1);
    if (std::find(switches.begin(), switches.end(), flag) != switches.end()) {
      const auto given = ParseSwitch(value);
      if (!given) return tl::unexpected(SwitchMistake(flag, value));
      plain.push_back(fmt::format("{}={}", flag, *given ? "true" : "false"));
    } else if (value.empty()) {
      plain.emplace_back(flag);
      plain.emplace_back();
    } else {
      plain.emplace_back(word);
    }
  }
  return plain;
}

}  // namespace sluice
