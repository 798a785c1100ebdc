// The event log: what happened to the process, for operators, one line of key=value pairs an event
// on standard error.
//
//   time=2026-11-21T04:16:05.123Z level=info event=apply who=ipv4:127.0.0.1:40312 generation=7
//
// Event names are stable snake_case tokens; values with spaces or quotes are quoted. Nothing that a
// client can trigger at will belongs above debug unless it is rate-limited. Sessions go to the
// access log, figures to the metrics.
//
// Logging never waits: a thread of its own writes, and when nobody reads standard error (a full
// pipe) the oldest of more than limits::kQueuedEvents events are dropped and counted; once the
// queue is empty again `event=events_dropped` says how many. Thread-safe.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "common/base/error.h"

namespace sluice {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };

// `debug`, `info`, `warning` or `error`.
Result<LogLevel> ParseLogLevel(std::string_view text);

// Events below it are dropped. kInfo at start.
void SetLogLevel(LogLevel level);

class LogField {
 public:
  LogField(std::string_view key, std::string_view value) : key_(key), value_(value) {}
  LogField(std::string_view key, const char* value) : key_(key), value_(value) {}
  LogField(std::string_view key, const std::string& value) : key_(key), value_(value) {}
  template <typename T, typename = std::enable_if_t<std::is_integral_v<T>>>
  LogField(std::string_view key, T value) : key_(key), value_(std::to_string(value)) {}

  std::string_view key() const { return key_; }
  const std::string& value() const { return value_; }

 private:
  std::string_view key_;
  std::string value_;
};

// With its first call, or SetLogLevel's, the writing thread starts; it takes no signals.
void LogEvent(LogLevel level, std::string_view event, std::span<const LogField> fields);
inline void LogEvent(LogLevel level, std::string_view event,
                     std::initializer_list<LogField> fields = {}) {
  LogEvent(level, event, std::span(fields.begin(), fields.size()));
}

// Waits until what was logged before is written, a second at most. For the end of the process.
void FlushEventLog();

// Since the start: for want of room, or because standard error could not be written to.
std::uint64_t DroppedEvents();

}  // namespace sluice
