// What is known of an endpoint beyond any configuration: its open sessions and its recent failures.
// Keyed by (upstream, address) in the state table, so that a change of configuration keeps it.
// Thread-safe: relaxed atomics, shared by all workers (as nginx with a `zone`).
#pragma once

#include <atomic>
#include <cstdint>

namespace sluice::dataplane {

struct EndpointState {
  std::atomic<std::uint32_t> open{
      0};  // Sessions that hold this endpoint, connecting ones included.
  std::atomic<std::uint32_t> fails{0};  // nginx `fails`.
  // Whole seconds of the monotonic clock, as nginx counts them; 0 means never.
  std::atomic<std::int64_t> accessed{0};
  std::atomic<std::int64_t> checked{0};
  // Totals for metrics.
  std::atomic<std::uint64_t> sessions_total{0};
  std::atomic<std::uint64_t> failures_total{0};
};

}  // namespace sluice::dataplane
