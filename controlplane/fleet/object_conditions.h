// An object's conditions, folded from what is known of each node. Pure; times are set by the fleet,
// which remembers when a condition last changed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/model/resource.h"
#include "controlplane/fleet/node_state.h"
#include "controlplane/snapshot/visibility_index.h"
#include "sluice/v1/meta.pb.h"

namespace sluice::controlplane {

struct ObjectFacts {
  const model::Resource* resource;
  std::optional<LeftOutObject> left_out;
  // References to objects that do not exist, as text for people.
  std::vector<std::string> missing;
  // The snapshots are of a generation that has this form.
  bool distributed;
};

// Accepted, ResolvedRefs, Programmed, Synced. `nodes` are those awaited; the ones that do not see
// the object are passed over.
std::vector<v1::Condition> FoldConditions(const ObjectFacts& facts,
                                          const std::vector<const NodeState*>& nodes);

}  // namespace sluice::controlplane
