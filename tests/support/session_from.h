// Sessions as phase handlers meet them: accepted, nothing decided yet.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/address.h"
#include "dataplane/config/phase_handler.h"
#include "dataplane/config/runtime_config.h"

namespace sluice::dataplane::test {

// `192.0.2.1`, `2001:db8::1`, or `unix:` for a client on a unix socket.
inline SocketAddress Client(std::string_view ip) {
  if (ip == "unix:") return SocketAddress::FromSockaddr(nullptr, 0);
  const bool v6 = ip.find(':') != std::string_view::npos;
  const std::string host(ip);
  return *SocketAddress::Parse((v6 ? "[" + host + "]" : host) + ":40000");
}

inline SessionState SessionFrom(std::string_view ip, std::uint64_t id = 1) {
  static const auto listener = [] {
    auto config = std::make_shared<ListenerConfig>();
    config->shared = std::make_shared<ListenerShared>("default/listener", 1);
    return config;
  }();
  SessionState session;
  session.id = id;
  session.client = Client(ip);
  session.listener = listener;
  return session;
}

// The listener of its own that a test of counters needs.
inline std::shared_ptr<ListenerConfig> NewListener() {
  auto config = std::make_shared<ListenerConfig>();
  config->shared = std::make_shared<ListenerShared>("default/counted", 1);
  return config;
}

inline bool Passes(const PhaseHandler& handler, SessionState& session) {
  return handler.Run(session, {}).action() != Verdict::Action::kClose;
}

}  // namespace sluice::dataplane::test
