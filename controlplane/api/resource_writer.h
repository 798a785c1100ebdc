// Applies and deletes: plan, commit, and once more when another replica was faster. Writes the
// event log's record of each change. Thread-safe.
#pragma once

#include <string_view>

#include "controlplane/api/apply_plan.h"
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
  // `who` is for the log. Durable when it returns.
  Answer<Applied> Apply(const v1::ApplyRequest& request, std::string_view who);
  // The generation.
  Answer<std::int64_t> Delete(const v1::DeleteRequest& request, std::string_view who);

 private:
  Catalog& catalog_;
};

}  // namespace sluice::controlplane
