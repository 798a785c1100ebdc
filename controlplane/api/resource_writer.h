// Applies and deletes: plan and commit, and again on the newer state when somebody else was faster,
// up to limits::kCommitAttempts times. Writes the event log's record of each change. Thread-safe.
#pragma once

#include "controlplane/api/apply_plan.h"
#include "controlplane/api/caller.h"
#include "controlplane/api/delete_plan.h"
#include "controlplane/store/catalog.h"

namespace sluice::controlplane {

class ResourceWriter {
 public:
  explicit ResourceWriter(Catalog& catalog) : catalog_(catalog) {}

  struct Applied {
    std::int64_t generation;
    std::vector<ApplyPlan::Result> results;
  };
  // The caller has been authorized; the log tells who it was. Durable when it returns.
  Answer<Applied> Apply(const v1::ApplyRequest& request, const Caller& caller);
  // The generation.
  Answer<std::int64_t> Delete(const v1::DeleteRequest& request, const Caller& caller);

 private:
  Catalog& catalog_;
};

}  // namespace sluice::controlplane
