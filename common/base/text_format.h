// Durations, sizes and other pieces of text as people write and read them. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/error.h"

namespace sluice {

// One or more of <number><unit> with units d h m s ms us ns, largest first: `5s`, `1m30s`, `250ms`,
// `1.5s`. A bare `0` is allowed. Not negative, at most 100 years.
Result<std::chrono::nanoseconds> ParseDuration(std::string_view text);
// The shortest text that ParseDuration reads back exactly: 90 s is `1m30s`.
std::string FormatDuration(std::chrono::nanoseconds duration);

// A whole number of bytes with B, kB, MB, GB (powers of 1000) or KiB, MiB, GiB (powers of 1024), or
// none.
Result<std::uint64_t> ParseSize(std::string_view text);
// The shortest exact text, binary units preferred: 16384 is `16KiB`.
std::string FormatSize(std::uint64_t bytes);

// `1 object`, `2 objects`; for nouns whose plural ends in s.
std::string Counted(std::uint64_t count, std::string_view noun);

// The candidate nearest to `word` by edit distance, or empty when none is near enough to be meant.
std::string_view ClosestWord(std::string_view word, const std::string_view* candidates,
                             std::size_t count);

// Is there a character of ASCII below space, or DEL, that is none of `but`?
bool HasControlCharacter(std::string_view text, std::string_view but = "");

// `text` for a message: what does not print is escaped and what is over 80 bytes is cut, so that
// hostile input can neither drive a terminal nor flood a log.
std::string Printable(std::string_view text);
// The same in single quotes.
std::string Quoted(std::string_view text);

}  // namespace sluice
