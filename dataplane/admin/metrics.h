// /metrics: everything the process counts, as Prometheus text. Sums the workers' blocks when it is
// asked; costs the traffic path nothing. docs/reference/metrics.md lists the families.
// Pure, but for the process's usage. Any thread: `config` is immutable, counters may be read.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>

#include "common/base/monotonic_time.h"
#include "common/metrics/exposition.h"
#include "dataplane/config/runtime_config.h"

namespace sluice::dataplane {

// What is not in the runtime config.
struct DataPlaneFacts {
  std::string version;
  std::chrono::system_clock::time_point started;
  std::uint64_t workers = 0;
  std::uint64_t sessions_open = 0;
  std::uint64_t sessions_on_older_config = 0;
  bool ready = false;
  bool stale = false;                  // Serves a saved configuration; no control plane yet.
  std::int64_t active_generation = 0;  // 0: none, or with --config.
  std::uint64_t swaps = 0;             // Configurations put in force since the start.
  std::uint64_t config_problems = 0;   // Objects not in force as they were sent.
  std::uint64_t refused_objects = 0;   // Those of them that this data plane has refused.
  MonotonicTime last_swap;             // Of the start when there was none.
  bool has_control_plane = false;
  bool connected = false;      // To one.
  MonotonicTime last_contact;  // When the last connection ended; the start when there was none.
  std::uint64_t access_log_lost = 0;  // AccessLogWriter::lost().
  std::uint64_t events_dropped = 0;   // DroppedEvents().
};

std::string RenderMetrics(const RuntimeConfig& config, const DataPlaneFacts& facts);

// Every family that RenderMetrics() writes, in its order.
std::span<const Metric> Metrics();

}  // namespace sluice::dataplane
