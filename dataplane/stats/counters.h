// Counters of the traffic path. Each worker writes only its own block, without locked instructions;
// readers sum the blocks. Blocks are keyed by what they count (listener, upstream), outlive a
// runtime config, and are held by shared_ptr (dataplane/config/runtime_config.h).
// Writing: the owning worker's thread only. Reading: any thread; each counter only grows.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "dataplane/session/close_reason.h"
#include "dataplane/stats/connect_errors.h"

namespace sluice::dataplane {

class Counter {
 public:
  void Add(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  std::uint64_t Get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// One worker's view of one listener. Open sessions = opened - sum(closed).
struct alignas(64) ListenerCounters {
  Counter sessions_opened;
  std::array<Counter, static_cast<std::size_t>(CloseReason::kCount)> sessions_closed;
  Counter bytes_received;      // From clients.
  Counter bytes_sent;          // To clients.
  Counter datagrams_received;  // UDP, from clients.
  Counter datagrams_sent;
  Counter datagrams_dropped;  // UDP: no flow could be made, or the kernel would not take it.
  Counter kernel_drops;       // UDP: SO_RXQ_OVFL.
  Counter accept_pauses;      // Times accepting stopped because descriptors ran out.
  Counter policy_denied;
  Counter policy_shadow_denied;
  Counter access_log_dropped;
};

struct alignas(64) UpstreamCounters {
  Counter sessions;  // Sessions that were given an endpoint.
  std::array<Counter, kConnectErrors.size()> connect_failures;
  Counter connect_timeouts;
  Counter retries;
  Counter no_endpoint;
  Counter bytes_sent;  // To endpoints.
  Counter bytes_received;
};

// One block a worker.
template <typename T>
class PerWorker {
 public:
  explicit PerWorker(std::size_t workers)
      : blocks_(std::make_unique<T[]>(workers)), size_(workers) {}
  T& operator[](std::size_t worker) const { return blocks_[worker]; }
  std::size_t size() const { return size_; }
  // Sum of one counter: Sum([](const ListenerCounters& c) -> const Counter& { return c.bytes_sent;
  // }).
  template <typename Select>
  std::uint64_t Sum(Select select) const {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < size_; ++i) sum += select(blocks_[i]).Get();
    return sum;
  }

 private:
  std::unique_ptr<T[]> blocks_;
  std::size_t size_;
};

}  // namespace sluice::dataplane
