// How far a generation has come over the nodes, folded from what is known of each. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "common/model/resource.h"
#include "controlplane/fleet/node_state.h"
#include "sluice/v1/resources.pb.h"

namespace sluice::controlplane {

// Over the nodes that see one of `objects` or lost it at `generation` or later; all when empty.
// `nodes` are those awaited, and their snapshots are of `generation` or later.
v1::RolloutResponse FoldRollout(std::int64_t generation,
                                const std::vector<model::ResourceKey>& objects,
                                const std::vector<const NodeState*>& nodes);

}  // namespace sluice::controlplane
