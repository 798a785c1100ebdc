// What a delete does: from the current state and a list of objects to the changes, or why not. All
// or nothing. Pure: no store, no gRPC.
#pragma once

#include <vector>

#include "common/model/resource.h"
#include "controlplane/api/refusal.h"
#include "controlplane/store/catalog.h"
#include "sluice/v1/resources.pb.h"

namespace sluice::controlplane {

// Refusals: kNotFound naming the objects; kFailedPrecondition with a violation for each reference
// from an object that stays; kConflict for a resource version; kInvalidArgument.
Answer<std::vector<model::Change>> PlanDelete(const CatalogState& state,
                                              const v1::DeleteRequest& request);

}  // namespace sluice::controlplane
