#include "controlplane/api/resource_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "common/base/limits.h"
#include "common/log/event_log.h"

namespace sluice::controlplane {
namespace {

google::protobuf::Timestamp Now() {
  // Whole seconds, as Kubernetes writes times.
  google::protobuf::Timestamp now;
  now.set_seconds(std::chrono::duration_cast<std::chrono::seconds>(
                      std::chrono::system_clock::now().time_since_epoch())
                      .count());
  return now;
}

tl::unexpected<Refusal> TooManyConflicts() {
  return Refuse(
      ErrorCode::kUnavailable,
      fmt::format(
          "the change was not stored: others changed the store first, {} times in a row; try "
          "again",
          limits::kCommitAttempts));
}

auto CountOf(const std::vector<ApplyPlan::Result>& results, v1::ApplyResponse::Outcome outcome) {
  return std::count_if(results.begin(), results.end(),
                       [&](const ApplyPlan::Result& result) { return result.outcome == outcome; });
}

}  // namespace

Answer<ResourceWriter::Applied> ResourceWriter::Apply(const v1::ApplyRequest& request,
                                                      const Caller& caller) {
  for (int attempt = 0; attempt < limits::kCommitAttempts; ++attempt) {
    const auto state = catalog_.Current();
    auto plan = PlanApply(*state, request.resources(), Now());
    if (!plan) return tl::unexpected(plan.error());
    if (request.dry_run() || plan->changes.empty()) {
      return Applied{state->generation, std::move(plan->results)};
    }
    auto after = catalog_.Commit(state->generation, std::move(plan->changes));
    if (after) {
      LogEvent(LogLevel::kInfo, "apply",
               {{"who", caller.peer},
                {"generation", (*after)->generation},
                {"created", CountOf(plan->results, v1::ApplyResponse::CREATED)},
                {"configured", CountOf(plan->results, v1::ApplyResponse::CONFIGURED)},
                {"unchanged", CountOf(plan->results, v1::ApplyResponse::UNCHANGED)}});
      return Applied{(*after)->generation, std::move(plan->results)};
    }
    if (after.error().code != ErrorCode::kConflict) {
      LogEvent(LogLevel::kError, "commit_failed",
               {{"who", caller.peer}, {"reason", after.error().message}});
      return Refuse(after.error());
    }
  }
  return TooManyConflicts();
}

Answer<std::int64_t> ResourceWriter::Delete(const v1::DeleteRequest& request,
                                            const Caller& caller) {
  for (int attempt = 0; attempt < limits::kCommitAttempts; ++attempt) {
    const auto state = catalog_.Current();
    auto changes = PlanDelete(*state, request);
    if (!changes) return tl::unexpected(changes.error());
    if (request.dry_run()) return state->generation;
    auto after = catalog_.Commit(state->generation, std::move(*changes));
    if (after) {
      LogEvent(LogLevel::kInfo, "delete",
               {{"who", caller.peer},
                {"generation", (*after)->generation},
                {"deleted", request.objects_size()}});
      return (*after)->generation;
    }
    if (after.error().code != ErrorCode::kConflict) {
      LogEvent(LogLevel::kError, "commit_failed",
               {{"who", caller.peer}, {"reason", after.error().message}});
      return Refuse(after.error());
    }
  }
  return TooManyConflicts();
}

}  // namespace sluice::controlplane
