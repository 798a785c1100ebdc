// A listener as one worker serves it: the configuration its new sessions begin with, and how many
// sessions of this worker have begun with it. Sessions hold it (through SessionState::listener,
// which shares its ownership), so that it lives as long as the last of them, on any later
// configuration. Worker thread only.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "dataplane/config/runtime_config.h"
#include "dataplane/config/worker_upstream.h"
#include "dataplane/stats/counters.h"

namespace sluice::dataplane {

struct WorkerListener {
  using Upstreams = std::vector<std::shared_ptr<UpstreamSlot>>;
  // `bound_to`: where it is served, which is not listener->address while that cannot be bound.
  // `its_upstreams`: those of listener->upstreams, in their order.
  WorkerListener(std::shared_ptr<const ListenerConfig> listener, const SocketAddress& bound_to,
                 Upstreams its_upstreams, std::uint32_t worker)
      : config(std::move(listener)),
        address(bound_to),
        upstreams(std::move(its_upstreams)),
        counters(config->shared->counters[worker]) {}

  const std::shared_ptr<const ListenerConfig> config;
  const SocketAddress address;
  const Upstreams upstreams;
  ListenerCounters& counters;  // This worker's block.
  std::uint64_t open = 0;      // Sessions.
  bool in_force = true;        // False: a later configuration has replaced it.
};

// What SessionState::listener is set to: the config, keeping `served` alive. Counted by this worker
// alone, so that workers do not share a reference count.
inline std::shared_ptr<const ListenerConfig> Pin(const std::shared_ptr<WorkerListener>& served) {
  return {served, served->config.get()};
}

// The number of this worker's sessions. Read by any thread, written by the worker.
class SessionCensus {
 public:
  void Opened(WorkerListener& served) {
    ++served.open;
    Change(served.in_force ? 0 : 1, 1);
  }
  void Closed(WorkerListener& served) {
    --served.open;
    Change(served.in_force ? 0 : -1, -1);
  }
  // A configuration without `served` is in force.
  void Replaced(WorkerListener& served) {
    served.in_force = false;
    Change(static_cast<std::int64_t>(served.open), 0);
  }

  std::uint64_t open() const { return open_.load(std::memory_order_relaxed); }
  std::uint64_t on_older_config() const { return older_.load(std::memory_order_relaxed); }

 private:
  void Change(std::int64_t older, std::int64_t open) {
    older_.store(older_.load(std::memory_order_relaxed) + static_cast<std::uint64_t>(older),
                 std::memory_order_relaxed);
    open_.store(open_.load(std::memory_order_relaxed) + static_cast<std::uint64_t>(open),
                std::memory_order_relaxed);
  }
  std::atomic<std::uint64_t> open_{0};
  std::atomic<std::uint64_t> older_{0};
};

}  // namespace sluice::dataplane
