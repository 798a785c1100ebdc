// What an apply does: from the current state and a batch to the changes that make the next
// generation, or everything that is wrong with the batch. All or nothing. Pure: no store, no gRPC.
#pragma once

#include <memory>
#include <vector>

#include "common/model/resource.h"
#include "controlplane/api/refusal.h"
#include "controlplane/api/server_metadata.h"
#include "controlplane/store/catalog.h"
#include "sluice/v1/resources.pb.h"

namespace sluice::controlplane {

struct ApplyPlan {
  struct Result {
    v1::ApplyResponse::Outcome outcome;
    std::shared_ptr<const model::Resource> resource;  // As it is afterwards, without status.
  };
  std::vector<model::Change> changes;  // Empty: the batch is what is there already.
  std::vector<Result> results;         // In the batch's order.
};

// Refusals: kInvalidArgument with violations; kConflict when a resourceVersion is not the stored
// one; kResourceExhausted beyond limits::kApplyResources or kStoredObjects.
Answer<ApplyPlan> PlanApply(const CatalogState& state,
                            const google::protobuf::RepeatedPtrField<google::protobuf::Any>& batch,
                            const google::protobuf::Timestamp& now);

}  // namespace sluice::controlplane
