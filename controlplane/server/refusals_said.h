// An event of which strangers can make many: said at once the first time, and from then on together
// with those that came meanwhile, limits::kRefusalsSaid apart. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "common/base/limits.h"
#include "common/base/monotonic_time.h"
#include "common/log/event_log.h"

namespace sluice::controlplane {

class RefusalsSaid {
 public:
  // `event` is a literal; `port` is the flag of the port.
  RefusalsSaid(const char* event, std::string port) : event_(event), port_(std::move(port)) {}

  void Happened(const std::string& peer, const std::string& why, MonotonicTime now) {
    ++count_;
    peer_ = peer;
    why_ = why;
    SayIfDue(now);
  }

  void SayIfDue(MonotonicTime now) {
    if (count_ == 0 || now < next_) return;
    LogEvent(LogLevel::kWarning, event_,
             {{"port", port_}, {"count", count_}, {"last_peer", peer_}, {"last_reason", why_}});
    count_ = 0;
    next_ = now + limits::kRefusalsSaid;
  }

  // When there is something to say.
  std::optional<MonotonicTime> due() const {
    return count_ == 0 ? std::nullopt : std::optional(next_);
  }

 private:
  const char* const event_;
  const std::string port_;
  std::uint64_t count_ = 0;
  std::string peer_;
  std::string why_;
  MonotonicTime next_{};
};

}  // namespace sluice::controlplane
