#include "controlplane/fleet/cohort.h"

#include <algorithm>
#include <limits>
#include <set>
#include <string_view>
#include <utility>

namespace sluice::controlplane {
namespace {

// Problems that a report had no room for may be about any object.
bool Complete(const v1::NodeReport& report) {
  return report.problems_total() <= static_cast<std::uint32_t>(report.problems_size());
}

ProgressPlace ByDealt(const Member& member) {
  return {member.dealt, member.state.identity.id, &member};
}
ProgressPlace ByInForce(const Member& member) {
  return {member.in_force, member.state.identity.id, &member};
}

ObjectTally::Lagging LaggingAs(const NodeState& node, const Snapshot& wanted) {
  return {node.identity.id, node.connected(), node.reported, node.report->active_generation(),
          wanted.generation};
}

}  // namespace

void Cohort::Want(std::shared_ptr<const Snapshot> snapshot) {
  if (snapshot->id >= wanted_->id) wanted_ = std::move(snapshot);
}

template <typename Visit>
void Cohort::ForEachProblem(const NodeState& node, const Visit& visit) const {
  for (const auto& [object, problem] : *node.problems) visit(object, problem.version());
  for (const auto& [object, refusal] : node.refusals) visit(object, refusal.problem.version());
}

void Cohort::Enter(Member& member) {
  member.dealt = DealtWith(member.state, *wanted_);
  member.in_force = Complete(*member.state.report) ? member.dealt : kNothing;
  by_dealt_.Insert(ByDealt(member));
  by_in_force_.Insert(ByInForce(member));
  ForEachProblem(member.state, [&](const ProblemKey& object, const std::string& version) {
    troubled_[object][version].Insert(ByInForce(member));
  });
}

void Cohort::Leave(const Member& member) {
  by_dealt_.Erase(ByDealt(member));
  by_in_force_.Erase(ByInForce(member));
  ForEachProblem(member.state, [&](const ProblemKey& object, const std::string& version) {
    const auto versions = troubled_.find(object);
    if (versions == troubled_.end()) return;
    const auto troubled = versions->second.find(version);
    if (troubled == versions->second.end()) return;
    troubled->second.Erase(ByInForce(member));
    if (!troubled->second.empty()) return;
    versions->second.erase(troubled);
    if (versions->second.empty()) troubled_.erase(versions);
  });
}

bool Cohort::Outdated(const Member& member) const {
  return member.dealt != DealtWith(member.state, *wanted_);
}

void Cohort::Count(const model::ResourceKey& object, bool distributed, ObjectTally& tally) const {
  const auto type = StreamedTypeOf(*object.kind);
  const std::string name = object.DiscoveryName();
  const SnapshotEntry* entry = type ? wanted_->Find(*type, name) : nullptr;
  if (entry == nullptr) return;
  const std::int64_t since = distributed ? entry->since : std::numeric_limits<std::int64_t>::max();

  // Those that refuse this version, then those that refuse any and are not among them.
  const ProblemKey key{std::string(object.kind->name), name};
  const ProgressOrder* refusing = nullptr;
  const ProgressOrder* refusing_any = nullptr;
  if (const auto versions = troubled_.find(key); versions != troubled_.end()) {
    const auto of = [&](std::string_view version) {
      const auto found = versions->second.find(version);
      return found == versions->second.end() ? nullptr : &found->second;
    };
    refusing = of(entry->item->version);
    refusing_any = of("");
  }
  const auto refuses = [&](const ProgressPlace& place) {
    return (refusing != nullptr && refusing->Contains(place)) ||
           (refusing_any != nullptr && refusing_any->Contains(place));
  };
  std::size_t refused_by = 0;
  std::size_t in_force = by_in_force_.CountFrom(since);
  const auto name_refusing = [&](const ProgressPlace& place) {
    ++tally.looked_at;
    if (tally.some_refusing.size() == ObjectTally::kNamed) return false;
    tally.some_refusing.push_back(
        {place.member->state.identity.id, *ProblemWith(place.member->state, *wanted_, key)});
    return true;
  };
  if (refusing != nullptr) {
    refused_by = refusing->size();
    in_force -= refusing->CountFrom(since);
    for (const ProgressPlace& place : *refusing) {
      if (!name_refusing(place)) break;
    }
  }
  if (refusing_any != nullptr) {
    for (const ProgressPlace& place : *refusing_any) {
      if (refusing != nullptr && refusing->Contains(place)) continue;
      ++refused_by;
      if (place.reached >= since) --in_force;
      name_refusing(place);
    }
  }
  const std::size_t lagging = by_in_force_.size() - in_force - refused_by;
  std::size_t to_name = std::min(lagging, ObjectTally::kNamed - tally.some_lagging.size());
  for (auto place = by_in_force_.begin(); to_name > 0; ++place) {
    ++tally.looked_at;
    if (refuses(*place)) continue;
    tally.some_lagging.push_back(LaggingAs(place->member->state, *wanted_));
    --to_name;
  }
  tally.total += by_in_force_.size();
  tally.in_force += in_force;
  tally.refusing += refused_by;
  tally.lagging += lagging;
}

void Cohort::ForEachTroubled(const std::vector<model::ResourceKey>& objects,
                             const std::function<void(const Member&)>& visit) const {
  const auto visit_those = [&](const ProblemKey& object, const Troubled& versions) {
    for (const auto& [version, troubled] : versions) {
      if (!version.empty()) {
        const SnapshotEntry* entry = EntryOf(*wanted_, object);
        if (entry == nullptr || entry->item->version != version) continue;
      }
      for (const ProgressPlace& place : troubled) {
        if (ProblemWith(place.member->state, *wanted_, object) != nullptr) visit(*place.member);
      }
    }
  };
  if (troubled_.empty()) return;
  if (objects.empty()) {
    for (const auto& [object, versions] : troubled_) visit_those(object, versions);
    return;
  }
  for (const model::ResourceKey& key : objects) {
    const auto found = troubled_.find({std::string(key.kind->name), key.DiscoveryName()});
    if (found != troubled_.end()) visit_those(found->first, found->second);
  }
}

}  // namespace sluice::controlplane
