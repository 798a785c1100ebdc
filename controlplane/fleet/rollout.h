// How far a generation has come over the nodes, folded from what is known of each. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "common/model/resource.h"
#include "controlplane/fleet/node_state.h"
#include "sluice/v1/resources.pb.h"

namespace sluice::controlplane {

// The snapshots of all of them are of the rollout's generation or later.
struct RolloutNodes {
  std::vector<const NodeState*> awaited;
  std::vector<const NodeState*> gone;  // For longer than they are awaited.
};

// Over the nodes that see one of `objects` or lost it at `generation` or later; all when empty.
v1::RolloutResponse FoldRollout(std::int64_t generation,
                                const std::vector<model::ResourceKey>& objects,
                                const RolloutNodes& nodes);

}  // namespace sluice::controlplane
