// How far a generation has come over the nodes, read off their cohorts. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "common/model/resource.h"
#include "controlplane/fleet/cohort.h"
#include "controlplane/fleet/node_state.h"
#include "sluice/v1/resources.pb.h"

namespace sluice::controlplane {

// The snapshots of all of them are of the rollout's generation or later.
struct RolloutNodes {
  struct Gone {
    const NodeState* node;
    const Snapshot* wanted;
  };
  std::vector<const Cohort*> awaited;
  std::vector<Gone> gone;  // For longer than they are awaited.
};

// Over the nodes that see one of `objects` or lost it at `generation` or later; all when empty.
v1::RolloutResponse FoldRollout(std::int64_t generation,
                                const std::vector<model::ResourceKey>& objects,
                                const RolloutNodes& nodes);

}  // namespace sluice::controlplane
