#include "controlplane/fleet/rollout.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>

#include "common/base/limits.h"
#include "controlplane/fleet/timestamps.h"

namespace sluice::controlplane {
namespace {

struct RolloutQuery {
  std::int64_t generation;
  const std::vector<model::ResourceKey>& objects;
};

bool MaySee(const RolloutQuery& query, const NodeState& node, const Snapshot& wanted) {
  if (query.objects.empty()) return true;
  return std::any_of(
      query.objects.begin(), query.objects.end(), [&](const model::ResourceKey& key) {
        const auto type = StreamedTypeOf(*key.kind);
        return type &&
               wanted.SeenSince(*type, key.DiscoveryName(), query.generation, node.identity.labels);
      });
}

enum class Concerned { kNone, kSome, kAll };

// A cohort's nodes see the same, but may have lost different objects.
Concerned WhoMaySee(const RolloutQuery& query, const Snapshot& wanted) {
  if (query.objects.empty()) return Concerned::kAll;
  const bool sees =
      std::any_of(query.objects.begin(), query.objects.end(), [&](const model::ResourceKey& key) {
        const auto type = StreamedTypeOf(*key.kind);
        return type && wanted.Find(*type, key.DiscoveryName()) != nullptr;
      });
  if (sees) return Concerned::kAll;
  const bool lost =
      !wanted.removals.empty() && wanted.removals.back().generation >= query.generation;
  return lost ? Concerned::kSome : Concerned::kNone;
}

std::vector<v1::ResourceProblem> ProblemsAmong(const RolloutQuery& query, const NodeState& node,
                                               const Snapshot& wanted) {
  if (query.objects.empty()) return ProblemsOf(node, wanted);
  std::vector<v1::ResourceProblem> problems;
  if (node.problems->empty() && node.refusals.empty()) return problems;
  for (const model::ResourceKey& key : query.objects) {
    const auto* problem =
        ProblemWith(node, wanted, {std::string(key.kind->name), key.DiscoveryName()});
    if (problem != nullptr) problems.push_back(*problem);
  }
  return problems;
}

void Fill(const NodeState& node, v1::RolloutResponse::Node& listed) {
  listed.set_node_id(node.identity.id);
  listed.set_active_generation(node.report->active_generation());
  listed.set_connected(node.connected());
  if (!node.connected()) *listed.mutable_last_seen() = ToTimestamp(node.last_seen);
}

struct Listed {
  const NodeState* node;
  const Snapshot* wanted;
};
using ListedNodes = std::map<std::string_view, Listed>;  // By node id.

struct Progress {
  std::size_t total = 0;
  std::size_t synced = 0;
  std::size_t waiting = 0;  // Neither runs it nor refused something of it.
  ListedNodes listed;       // At most limits::kRolloutNodes.

  void List(const NodeState& node, const Snapshot& wanted) {
    if (listed.size() < limits::kRolloutNodes) {
      listed.emplace(node.identity.id, Listed{&node, &wanted});
    }
  }
};

// All of the cohort's nodes are concerned.
void CountAll(const RolloutQuery& query, const Cohort& cohort, Progress& progress) {
  const Snapshot& wanted = *cohort.wanted();
  std::map<std::string_view, const Member*> troubled;
  cohort.ForEachTroubled(query.objects, [&](const Member& member) {
    troubled.emplace(member.state.identity.id, &member);
  });
  const std::size_t dealt = cohort.by_dealt().CountFrom(query.generation);
  std::size_t troubled_dealt = 0;
  for (const auto& [id, member] : troubled) {
    if (member->dealt >= query.generation) ++troubled_dealt;
    progress.List(member->state, wanted);
  }
  progress.total += cohort.size();
  progress.synced += dealt - troubled_dealt;
  progress.waiting += cohort.size() - dealt - (troubled.size() - troubled_dealt);
  for (const ProgressPlace& place : cohort.by_dealt()) {
    if (place.reached >= query.generation) break;
    if (progress.listed.size() == limits::kRolloutNodes) break;
    progress.List(place.member->state, wanted);
  }
}

void CountEach(const RolloutQuery& query, const Cohort& cohort, Progress& progress) {
  const Snapshot& wanted = *cohort.wanted();
  for (const ProgressPlace& place : cohort.by_dealt()) {
    const NodeState& node = place.member->state;
    if (!MaySee(query, node, wanted)) continue;
    ++progress.total;
    const bool dealt = place.reached >= query.generation;
    const bool troubled = !ProblemsAmong(query, node, wanted).empty();
    if (!dealt && !troubled) ++progress.waiting;
    if (dealt && !troubled) {
      ++progress.synced;
    } else {
      progress.List(node, wanted);
    }
  }
}

}  // namespace

v1::RolloutResponse FoldRollout(std::int64_t generation,
                                const std::vector<model::ResourceKey>& objects,
                                const RolloutNodes& nodes) {
  const RolloutQuery query{generation, objects};
  Progress progress;
  for (const Cohort* cohort : nodes.awaited) {
    switch (WhoMaySee(query, *cohort->wanted())) {
      case Concerned::kAll:
        CountAll(query, *cohort, progress);
        break;
      case Concerned::kSome:
        CountEach(query, *cohort, progress);
        break;
      case Concerned::kNone:
        break;
    }
  }
  v1::RolloutResponse response;
  response.set_settled(progress.waiting == 0);
  response.set_nodes_total(static_cast<std::int32_t>(progress.total));
  response.set_nodes_synced(static_cast<std::int32_t>(progress.synced));
  for (const auto& [id, found] : progress.listed) {
    auto* listed = response.add_nodes();
    Fill(*found.node, *listed);
    const auto problems = ProblemsAmong(query, *found.node, *found.wanted);
    const std::size_t shown = std::min(problems.size(), limits::kRefusalDetails);
    listed->mutable_problems()->Add(problems.begin(),
                                    problems.begin() + static_cast<std::ptrdiff_t>(shown));
  }
  for (const auto& [node, wanted] : nodes.gone) {
    if (static_cast<std::size_t>(response.gone_size()) == limits::kRolloutNodes) break;
    const bool concerned = MaySee(query, *node, *wanted) && DealtWith(*node, *wanted) < generation;
    if (concerned) Fill(*node, *response.add_gone());
  }
  return response;
}

}  // namespace sluice::controlplane
