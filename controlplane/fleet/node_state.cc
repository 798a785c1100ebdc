#include "controlplane/fleet/node_state.h"

#include <algorithm>
#include <optional>

#include "common/model/kind.h"

namespace sluice::controlplane {
namespace {

// A refusal speaks of one version only.
bool StillHolds(const Snapshot& wanted, const ProblemKey& object,
                const v1::ResourceProblem& problem) {
  const SnapshotEntry* entry = EntryOf(wanted, object);
  if (entry == nullptr) return false;
  return problem.version().empty() || problem.version() == entry->item->version;
}

}  // namespace

ProblemMap ProblemsIn(const v1::NodeReport& report) {
  ProblemMap problems;
  for (const v1::ResourceProblem& problem : report.problems()) {
    problems.insert_or_assign(ProblemKey{problem.kind(), problem.name()}, problem);
  }
  return problems;
}

const SnapshotEntry* EntryOf(const Snapshot& wanted, const ProblemKey& object) {
  const model::Kind* kind = model::FindKind(object.first);
  const auto type = kind == nullptr ? std::nullopt : StreamedTypeOf(*kind);
  return type ? wanted.Find(*type, object.second) : nullptr;
}

std::int64_t DealtWith(const NodeState& node, const Snapshot& wanted) {
  if (!node.reported) return kNothing;
  const std::int64_t dealt = node.report->active_generation();
  // A number from the future is another store's, unless the content says otherwise.
  if (dealt > wanted.generation && node.report->active_digest() != wanted.digest) return kNothing;
  return std::max(dealt, kNothing);
}

v1::Condition::State SyncedState(const NodeState& node, const Snapshot& wanted) {
  if (!node.reported) return v1::Condition::UNKNOWN;
  return DealtWith(node, wanted) >= wanted.generation && ProblemsOf(node, wanted).empty()
             ? v1::Condition::TRUE
             : v1::Condition::FALSE;
}

const v1::ResourceProblem* ProblemWith(const NodeState& node, const Snapshot& wanted,
                                       const ProblemKey& object) {
  const auto reported = node.problems->find(object);
  if (reported != node.problems->end() && StillHolds(wanted, object, reported->second)) {
    return &reported->second;
  }
  const auto refused = node.refusals.find(object);
  if (refused != node.refusals.end() && StillHolds(wanted, object, refused->second.problem)) {
    return &refused->second.problem;
  }
  return nullptr;
}

std::vector<v1::ResourceProblem> ProblemsOf(const NodeState& node, const Snapshot& wanted) {
  std::map<ProblemKey, const v1::ResourceProblem*> all;
  for (const auto& [object, refusal] : node.refusals) {
    if (StillHolds(wanted, object, refusal.problem)) all[object] = &refusal.problem;
  }
  for (const auto& [object, problem] : *node.problems) {
    if (StillHolds(wanted, object, problem)) all[object] = &problem;
  }
  std::vector<v1::ResourceProblem> problems;
  for (const auto& [object, problem] : all) problems.push_back(*problem);
  return problems;
}

}  // namespace sluice::controlplane
