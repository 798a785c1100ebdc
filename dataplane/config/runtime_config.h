// The compiled, immutable form of a snapshot: what workers read on the traffic path. Built by
// compile/ on the control thread, published by one pointer a worker. A session keeps the
// ListenerConfig it began with. Unchanged objects are shared between successive configs.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/address.h"
#include "dataplane/balance/balancer.h"
#include "dataplane/config/phase_handler.h"
#include "dataplane/log/access_log.h"
#include "dataplane/session/session_state.h"
#include "dataplane/session/text_template.h"
#include "dataplane/stats/counters.h"

namespace sluice::dataplane {

// What is kept of an upstream beyond one config, keyed by its name.
struct UpstreamShared {
  UpstreamShared(std::string full_name, std::uint32_t dense_slot, std::size_t workers)
      : name(std::move(full_name)), slot(dense_slot), counters(workers) {}
  const std::string name;    // namespace/name
  const std::uint32_t slot;  // Small and dense: index of the workers' BalancerMemory arrays.
  PerWorker<UpstreamCounters> counters;
};

struct UpstreamConfig {
  std::string name;  // namespace/name
  std::unique_ptr<const Balancer> balancer;
  BalancePolicy policy = BalancePolicy::kRoundRobin;
  PassiveHealth health;
  std::shared_ptr<const TextTemplate> hash_key;  // HASH and RING_HASH only.
  std::shared_ptr<UpstreamShared> shared;
};

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
  PhaseChain phases;  // Sets session.upstream.
  std::vector<AccessLogTarget> access_log;
  // Everything a route can choose, so that a session that holds this config holds them.
  std::vector<std::shared_ptr<const UpstreamConfig>> upstreams;
  std::shared_ptr<ListenerShared> shared;
};

struct RuntimeConfig {
  std::uint64_t serial = 0;  // Grows with every publish in this process.
  std::vector<std::shared_ptr<const ListenerConfig>> listeners;
};

}  // namespace sluice::dataplane
