// An object's conditions: the texts of what cohorts have counted. Pure; times are set by the fleet,
// which remembers when a condition last changed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/model/resource.h"
#include "controlplane/fleet/cohort.h"
#include "controlplane/snapshot/visibility_index.h"
#include "sluice/v1/meta.pb.h"

namespace sluice::controlplane {

struct ObjectFacts {
  const model::Resource* resource;
  std::optional<LeftOutObject> left_out;
  // References to objects that do not exist, as text for people.
  std::vector<std::string> missing;
};

// Accepted, ResolvedRefs, Programmed, Synced. Of an object that is left out the tally is empty: the
// nodes run another form or none, it is in force nowhere.
std::vector<v1::Condition> MakeConditions(const ObjectFacts& facts, ObjectTally tally);

}  // namespace sluice::controlplane
