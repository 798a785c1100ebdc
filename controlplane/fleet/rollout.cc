#include "controlplane/fleet/rollout.h"

#include <algorithm>
#include <string>

#include "common/base/limits.h"
#include "controlplane/fleet/timestamps.h"

namespace sluice::controlplane {
namespace {

bool MaySee(const NodeState& node, const std::vector<model::ResourceKey>& objects,
            std::int64_t generation) {
  if (objects.empty()) return true;
  return std::any_of(objects.begin(), objects.end(), [&](const model::ResourceKey& key) {
    const auto type = StreamedTypeOf(*key.kind);
    return type &&
           node.wanted->SeenSince(*type, key.DiscoveryName(), generation, node.identity.labels);
  });
}

std::vector<v1::ResourceProblem> ProblemsAmong(const NodeState& node,
                                               const std::vector<model::ResourceKey>& objects) {
  if (objects.empty()) return ProblemsOf(node);
  std::vector<v1::ResourceProblem> problems;
  for (const model::ResourceKey& key : objects) {
    const auto* problem = ProblemWith(node, {std::string(key.kind->name), key.DiscoveryName()});
    if (problem != nullptr) problems.push_back(*problem);
  }
  return problems;
}

void Fill(const NodeState& node, v1::RolloutResponse::Node& listed) {
  listed.set_node_id(node.identity.id);
  listed.set_active_generation(node.report.active_generation());
  listed.set_connected(node.connected());
  if (!node.connected()) *listed.mutable_last_seen() = ToTimestamp(node.last_seen);
}

}  // namespace

v1::RolloutResponse FoldRollout(std::int64_t generation,
                                const std::vector<model::ResourceKey>& objects,
                                const RolloutNodes& nodes) {
  v1::RolloutResponse response;
  response.set_settled(true);
  for (const NodeState* node : nodes.awaited) {
    if (!MaySee(*node, objects, generation)) continue;
    response.set_nodes_total(response.nodes_total() + 1);
    const bool dealt = HasDealtWith(*node, generation);
    const auto problems = ProblemsAmong(*node, objects);
    if (!dealt && problems.empty()) response.set_settled(false);
    if (dealt && problems.empty()) {
      response.set_nodes_synced(response.nodes_synced() + 1);
      continue;
    }
    if (static_cast<std::size_t>(response.nodes_size()) == limits::kRolloutNodes) continue;
    auto* listed = response.add_nodes();
    Fill(*node, *listed);
    const std::size_t shown = std::min(problems.size(), limits::kRefusalDetails);
    listed->mutable_problems()->Add(problems.begin(),
                                    problems.begin() + static_cast<std::ptrdiff_t>(shown));
  }
  for (const NodeState* node : nodes.gone) {
    if (static_cast<std::size_t>(response.gone_size()) == limits::kRolloutNodes) break;
    const bool concerned = MaySee(*node, objects, generation) && !HasDealtWith(*node, generation);
    if (concerned) Fill(*node, *response.add_gone());
  }
  return response;
}

}  // namespace sluice::controlplane
