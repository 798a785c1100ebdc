#include "common/log/event_log.h"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spdlog/async.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <memory>
#include <thread>

#include "common/base/limits.h"
#include "common/base/thread_name.h"

namespace sluice {
namespace {

spdlog::level::level_enum SpdlogLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

// False: standard error takes no more, ever or for want of disk.
bool WriteToStandardError(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(STDERR_FILENO, text.data(), text.size());
    if (n > 0) {
      text.remove_prefix(static_cast<std::size_t>(n));
    } else if (n < 0 && errno == EAGAIN) {  // Somebody else made it non-blocking.
      pollfd standard_error{STDERR_FILENO, POLLOUT, 0};
      ::poll(&standard_error, 1, -1);
    } else if (n == 0 || errno != EINTR) {
      return false;
    }
  }
  return true;
}

// Used by the pool's one thread alone.
class StandardError final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit StandardError(spdlog::details::thread_pool& pool) : pool_(pool) {}

  std::uint64_t done() const { return done_; }
  std::uint64_t failed() const { return failed_; }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    Write(message);
    ++done_;
    const std::uint64_t dropped = pool_.overrun_counter();
    if (dropped == told_ || pool_.queue_size() != 0) return;
    const std::string text = fmt::format("event=events_dropped count={}", dropped - told_);
    told_ = dropped;
    Write({message.logger_name, spdlog::level::warn, text});
  }
  void flush_() override {}

  void Write(const spdlog::details::log_msg& message) {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    if (!WriteToStandardError({line.data(), line.size()})) ++failed_;
  }

  spdlog::details::thread_pool& pool_;
  std::uint64_t told_ = 0;
  std::atomic<std::uint64_t> done_{0};
  std::atomic<std::uint64_t> failed_{0};
};

struct EventLog {
  std::shared_ptr<spdlog::details::thread_pool> pool = MakePool();
  std::shared_ptr<StandardError> standard_error = std::make_shared<StandardError>(*pool);
  std::shared_ptr<spdlog::async_logger> logger = std::make_shared<spdlog::async_logger>(
      "events", standard_error, pool, spdlog::async_overflow_policy::overrun_oldest);
  std::atomic<std::uint64_t> posted{0};

  // Its thread inherits that all signals are blocked.
  static std::shared_ptr<spdlog::details::thread_pool> MakePool() {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    auto pool = std::make_shared<spdlog::details::thread_pool>(limits::kQueuedEvents, 1,
                                                               [] { NameThisThread("event-log"); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return pool;
  }
};

// Never destroyed: threads may log while the process ends, and the pool's may hang in a write.
EventLog& Log() {
  static EventLog* const log = [] {
    auto* made = new EventLog;
    made->logger->set_pattern("time=%Y-%m-%dT%H:%M:%S.%eZ level=%l %v",
                              spdlog::pattern_time_type::utc);
    return made;
  }();
  return *log;
}

bool NeedsQuotes(std::string_view value) {
  if (value.empty()) return true;
  for (const char c : value) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '\\' || c == '=' || c == 127)
      return true;
  }
  return false;
}

// One event stays one line whatever the value holds.
void AppendQuoted(std::string& line, std::string_view value) {
  line += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (c == '\n') {
      line += "\\n";
    } else if (static_cast<unsigned char>(c) < ' ' || c == 127) {
      line += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      line += c;
    }
  }
  line += '"';
}

}  // namespace

Result<LogLevel> ParseLogLevel(std::string_view text) {
  if (text == "debug") return LogLevel::kDebug;
  if (text == "info") return LogLevel::kInfo;
  if (text == "warning") return LogLevel::kWarning;
  if (text == "error") return LogLevel::kError;
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("a log level must be debug, info, warning or error, got '{}'", text));
}

void SetLogLevel(LogLevel level) { Log().logger->set_level(SpdlogLevel(level)); }

void LogEvent(LogLevel level, std::string_view event, std::span<const LogField> fields) {
  if (!Log().logger->should_log(SpdlogLevel(level))) return;
  std::string line = fmt::format("event={}", event);
  for (const LogField& field : fields) {
    line += fmt::format(" {}=", field.key());
    if (NeedsQuotes(field.value())) {
      AppendQuoted(line, field.value());
    } else {
      line += field.value();
    }
  }
  ++Log().posted;
  Log().logger->log(SpdlogLevel(level), line);
}

void FlushEventLog() {
  const EventLog& log = Log();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  const std::uint64_t posted = log.posted;
  while (log.standard_error->done() + log.pool->overrun_counter() < posted &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

std::uint64_t DroppedEvents() {
  return Log().pool->overrun_counter() + Log().standard_error->failed();
}

}  // namespace sluice
