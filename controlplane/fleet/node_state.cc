#include "controlplane/fleet/node_state.h"

#include <algorithm>
#include <optional>

#include "common/model/kind.h"

namespace sluice::controlplane {
namespace {

const SnapshotEntry* EntryOf(const NodeState& node, const ProblemKey& object) {
  const model::Kind* kind = model::FindKind(object.first);
  const auto type = kind == nullptr ? std::nullopt : StreamedTypeOf(*kind);
  return type ? node.wanted->Find(*type, object.second) : nullptr;
}

// A refusal speaks of one version only.
bool StillHolds(const NodeState& node, const ProblemKey& object,
                const v1::ResourceProblem& problem) {
  const SnapshotEntry* entry = EntryOf(node, object);
  if (entry == nullptr) return false;
  return problem.version().empty() || problem.version() == entry->item->version;
}

}  // namespace

bool HasDealtWith(const NodeState& node, std::int64_t generation) {
  if (!node.reported) return false;
  const std::int64_t dealt =
      std::max(node.report.active_generation(), node.report.settled_generation());
  // A number from the future is another store's, unless the content says otherwise.
  if (dealt > node.wanted->generation && node.report.active_digest() != node.wanted->digest) {
    return false;
  }
  return dealt >= generation;
}

v1::Condition::State SyncedState(const NodeState& node) {
  if (!node.reported) return v1::Condition::UNKNOWN;
  return HasDealtWith(node, node.wanted->generation) && ProblemsOf(node).empty()
             ? v1::Condition::TRUE
             : v1::Condition::FALSE;
}

const v1::ResourceProblem* ProblemWith(const NodeState& node, const ProblemKey& object) {
  const auto reported = node.problems.find(object);
  if (reported != node.problems.end() && StillHolds(node, object, reported->second)) {
    return &reported->second;
  }
  const auto refused = node.refusals.find(object);
  if (refused != node.refusals.end() && StillHolds(node, object, refused->second.problem)) {
    return &refused->second.problem;
  }
  return nullptr;
}

std::vector<v1::ResourceProblem> ProblemsOf(const NodeState& node) {
  std::map<ProblemKey, const v1::ResourceProblem*> all;
  for (const auto& [object, refusal] : node.refusals) {
    if (StillHolds(node, object, refusal.problem)) all[object] = &refusal.problem;
  }
  for (const auto& [object, problem] : node.problems) {
    if (StillHolds(node, object, problem)) all[object] = &problem;
  }
  std::vector<v1::ResourceProblem> problems;
  for (const auto& [object, problem] : all) problems.push_back(*problem);
  return problems;
}

}  // namespace sluice::controlplane
