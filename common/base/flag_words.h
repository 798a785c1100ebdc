// How people spell switches on a command line, in all programs alike: as for kubectl. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"

namespace sluice {

// `true`, `T`, `1` and so on, the twelve words that kubectl takes; nullopt: another one.
std::optional<bool> ParseSwitch(std::string_view word);

// `--insecure must be true or false, got 'maybe'`.
Error SwitchMistake(std::string_view flag, std::string_view value);

// The words of a daemon's command line, without its name, as the flags library reads them rightly:
// `--insecure=F` of one of `switches` is `--insecure=false`, and `--node=` has an empty value where
// the library would take the word that follows.
Result<std::vector<std::string>> FlagWords(std::span<const char* const> words,
                                           std::span<const std::string_view> switches);

}  // namespace sluice
