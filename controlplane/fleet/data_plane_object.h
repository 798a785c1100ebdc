// A node as people see it: the DataPlane resource. Pure.
#pragma once

#include "common/model/resource.h"
#include "controlplane/fleet/node_state.h"

namespace sluice::controlplane {

// With the conditions Connected and Synced.
model::Resource MakeDataPlane(const NodeState& node, const Snapshot& wanted, WallTime now);

}  // namespace sluice::controlplane
