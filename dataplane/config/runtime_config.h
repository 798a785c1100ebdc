// The compiled, immutable form of a snapshot: what workers read on the traffic path. Built by
// compile/ on the control thread, published by one pointer a worker. A session keeps the
// ListenerConfig it began with, and the UpstreamConfig in force when it picked its endpoint: a
// listener refers to an upstream, it does not contain it. Unchanged objects are shared between
// successive configs.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/address.h"
#include "common/base/limits.h"
#include "dataplane/config/phase_handler.h"
#include "dataplane/config/upstream_config.h"
#include "dataplane/log/access_log.h"
#include "dataplane/session/session_state.h"
#include "dataplane/stats/counters.h"

namespace sluice::dataplane {

struct SocketSettings {
  int backlog = 4096;
  std::optional<int> receive_buffer;  // Bytes.
  std::optional<int> send_buffer;
  struct Keepalive {
    int idle_s;
    int interval_s;
    int count;
    friend bool operator==(const Keepalive&, const Keepalive&) = default;
  };
  std::optional<Keepalive> keepalive;
  friend bool operator==(const SocketSettings&, const SocketSettings&) = default;
};

// Zero means "no limit" in all of these.
struct TcpSettings {
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds idle_timeout{600'000};
  std::chrono::milliseconds half_closed_timeout{60'000};
  std::chrono::milliseconds session_timeout{0};
  std::uint32_t attempts = 3;
  std::chrono::milliseconds retry_timeout{0};
  // How long a peer may take nothing of what is left for it once the other's connection is dead.
  std::chrono::milliseconds delivery_timeout = limits::kDeliveryTime;
};

struct UdpSettings {
  std::chrono::milliseconds idle_timeout{60'000};
  std::chrono::milliseconds session_timeout{0};
  std::optional<std::uint32_t> expected_responses;
  std::uint32_t max_requests = 0;
};

// What is kept of a listener beyond one config, keyed by its name.
struct ListenerShared {
  ListenerShared(std::string full_name, std::size_t workers)
      : name(std::move(full_name)), counters(workers) {}
  const std::string name;  // namespace/name
  PerWorker<ListenerCounters> counters;
};

struct ListenerConfig {
  std::string ns;
  std::string name;  // Without the namespace: $listener.
  SocketAddress address;
  Protocol protocol = Protocol::kTcp;
  SocketSettings socket;
  TcpSettings tcp;
  UdpSettings udp;
  PhaseChain phases;  // Sets session.route.
  std::vector<AccessLogTarget> access_log;
  // Everything a route can choose: what SessionState::route counts in.
  std::vector<std::shared_ptr<UpstreamShared>> upstreams;
  std::shared_ptr<ListenerShared> shared;
};

using ListenerList = std::vector<std::shared_ptr<const ListenerConfig>>;

struct RuntimeConfig {
  // By name. The same list as before when no listener has changed. Never null.
  std::shared_ptr<const ListenerList> listeners = std::make_shared<ListenerList>();
  // The form in force of every upstream, by UpstreamShared::slot; null where a slot is free.
  std::vector<std::shared_ptr<const UpstreamConfig>> upstreams;
};

}  // namespace sluice::dataplane
