// The compiled, immutable form of an upstream and its slices. A change of endpoints makes a new
// form of that upstream and touches nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "dataplane/balance/balancer.h"
#include "dataplane/balance/ring_share.h"
#include "dataplane/stats/counters.h"

namespace sluice::dataplane {

class TextTemplate;

// What is kept of an upstream beyond one config, keyed by its name: what a listener refers to.
struct UpstreamShared {
  UpstreamShared(std::string full_name, std::uint32_t dense_slot, std::size_t workers)
      : name(std::move(full_name)), slot(dense_slot), counters(workers) {}
  const std::string name;    // namespace/name
  const std::uint32_t slot;  // Small and dense; nobody else's as long as this lives.
  PerWorker<UpstreamCounters> counters;
};

struct UpstreamConfig {
  std::string name;  // namespace/name
  bool has_unix_endpoint = false;
  std::unique_ptr<const Balancer> balancer;
  RingShare ring;  // RING_HASH only: of the balancer's ring.
  PassiveHealth health;
  std::shared_ptr<const TextTemplate> hash_key;  // HASH and RING_HASH only.
  std::shared_ptr<UpstreamShared> shared;
};

}  // namespace sluice::dataplane
