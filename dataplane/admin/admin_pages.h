// What the admin address answers: which page says what. No sockets. Thread-safe if the hooks are.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/http/message.h"

namespace sluice::dataplane {

struct Readiness {
  bool ready = false;  // Traffic can be sent to this process.
  // Why not yet or no more; or what is not served although it is ready. Lines without the last
  // newline; may be empty.
  std::string text;
};
// Why a process is not ready that ends: known to the one that takes its place.
inline constexpr std::string_view kShuttingDown = "shutting down";

// Called on the admin thread.
struct AdminHooks {
  std::function<Readiness()> readiness;
  std::function<std::string()> config;   // JSON, without secrets.
  std::function<std::string()> metrics;  // Prometheus text.
};

// 404 and 405 for all but GET and HEAD of /, /healthz, /readyz, /metrics and /config: known before
// a body is read.
std::optional<http::Response> RefuseAdmin(const http::Request& request);

// The page, or what RefuseAdmin() says.
http::Response AnswerAdmin(const http::Request& request, const AdminHooks& hooks);

}  // namespace sluice::dataplane
