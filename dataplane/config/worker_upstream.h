// An upstream as one worker serves it: one form of it, and what the worker remembers between its
// picks. A session pins it when it picks (SessionState::upstream), for as long as it lives. Worker
// thread only.
#pragma once

#include <memory>
#include <utility>

#include "dataplane/config/upstream_config.h"

namespace sluice::dataplane {

struct WorkerUpstream {
  // What `before` (may be null) remembers of endpoints that are still there goes on.
  WorkerUpstream(std::shared_ptr<const UpstreamConfig> form, const WorkerUpstream* before,
                 std::uint32_t worker)
      : config(std::move(form)),
        memory(config->balancer->NewMemory(before == nullptr ? nullptr : &before->memory)),
        counters(config->shared->counters[worker]) {}

  const std::shared_ptr<const UpstreamConfig> config;
  SmoothWeights memory;
  UpstreamCounters& counters;  // This worker's block.
};

// Where a worker's listeners find the form in force. Lives as long as a listener that refers to it
// is held by a session, with the last form the upstream had.
struct UpstreamSlot {
  std::shared_ptr<WorkerUpstream> in_force;  // Never null.
};

}  // namespace sluice::dataplane
