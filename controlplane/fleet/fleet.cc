#include "controlplane/fleet/fleet.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "common/base/limits.h"
#include "common/base/mutex.h"
#include "controlplane/fleet/change_notifier.h"
#include "controlplane/fleet/cohort.h"
#include "controlplane/fleet/data_plane_object.h"
#include "controlplane/fleet/object_conditions.h"
#include "controlplane/fleet/report_check.h"
#include "controlplane/fleet/rollout.h"
#include "controlplane/fleet/timestamps.h"

namespace sluice::controlplane {
namespace {

Labels LabelsOf(const v1::NodeReport& report) {
  return {report.labels().begin(), report.labels().end()};
}

google::protobuf::Timestamp Later(const google::protobuf::Timestamp& a,
                                  const google::protobuf::Timestamp& b) {
  return a.seconds() < b.seconds() ? b : a;
}

std::vector<std::string> MissingReferences(const model::Resource& resource,
                                           const model::ResourceSet& resources) {
  std::vector<std::string> missing;
  for (const model::Reference& reference : resource.kind().references(resource.message())) {
    const model::ResourceKey key{reference.kind, resource.key().ns, reference.name};
    if (resources.Find(key) == nullptr) {
      missing.push_back(
          fmt::format("`{}` names {}, which does not exist", reference.field, key.Text()));
    }
  }
  return missing;
}

}  // namespace

class Fleet::State {
 public:
  State(Catalog& catalog, SnapshotFeed& feed, Clock clock)
      : catalog_(catalog),
        feed_(feed),
        clock_(std::move(clock)),
        step_(feed.Step()),
        notifier_([this] { Forget(); }) {}

  // On the feed's thread, after it has told everybody of a new generation.
  void Published() {
    const MutexLock lock(mutex_);
    const WallTime now = clock_();
    FollowSteps();
    SettleAll(now);
    Touch(now);
  }

  Result<void> Open(const NodeIdentity& identity, int NodeState::*streams) {
    const MutexLock lock(mutex_);
    const WallTime now = clock_();
    FollowSteps();
    auto found = nodes_.find(identity.id);
    if (found == nodes_.end()) {
      if (nodes_.size() >= limits::kNodes) {
        return Fail(ErrorCode::kResourceExhausted,
                    fmt::format("the control plane serves at most {} nodes", limits::kNodes));
      }
      found = nodes_.emplace(identity.id, Node{}).first;
      found->second.member.state.identity.id = identity.id;
      found->second.member.state.first_seen = now;
      found->second.member.state.synced_since = now;
    }
    Node& node = found->second;
    Uncount(node);
    NodeState& state = node.member.state;
    // What a node says on its discovery stream decides what it is given.
    const bool discovery = streams == &NodeState::discovery_streams;
    // A process that leaves opens no stream any more: this is another one.
    if (discovery) state.draining = false;
    if (node.view == nullptr || discovery || state.discovery_streams == 0) {
      if (node.view == nullptr || state.identity.labels != identity.labels) {
        node.view = feed_.Open(identity.labels, {});
        JoinCohort(node);
      }
      // The id stays where it is: cohorts point to it.
      state.identity.labels = identity.labels;
      state.identity.version = identity.version;
    }
    if (!state.connected()) {
      absent_.erase({state.connected_since, &node});
      given_up_.erase({state.connected_since, &node});
      state.connected_since = now;
    }
    ++(state.*streams);
    node.given_up = false;
    Seen(node, now);
    return {};
  }

  void Close(const std::string& node_id, int NodeState::*streams) {
    const MutexLock lock(mutex_);
    const auto found = nodes_.find(node_id);
    if (found == nodes_.end()) return;
    const WallTime now = clock_();
    FollowSteps();
    Node& node = found->second;
    Uncount(node);
    NodeState& state = node.member.state;
    --(state.*streams);
    if (!state.connected()) {
      state.connected_since = now;
      absent_.insert({now, &node});
    }
    Seen(node, now);
  }

  void Take(const v1::NodeReport& report) {
    auto kept = std::make_shared<const v1::NodeReport>(WithBoundedText(report));
    auto problems = std::make_shared<const ProblemMap>(ProblemsIn(*kept));
    Edit(report.node_id(), [&](Node& node, WallTime now) {
      NodeState& state = node.member.state;
      state.report = std::move(kept);
      state.draining = state.report->draining_seconds() != 0;
      state.drained_by = now + std::chrono::seconds(state.report->draining_seconds());
      state.problems = std::move(problems);
      state.reported = true;
      state.awaited = true;
      if (!state.report->version().empty()) state.identity.version = state.report->version();
      std::erase_if(state.refusals, [&](const auto& refusal) {
        return refusal.second.generation <= report.active_generation();
      });
    });
  }

  bool Refused(const std::string& node_id, std::int64_t generation,
               const std::vector<v1::ResourceProblem>& problems) {
    bool news = false;
    Edit(node_id, [&](Node& node, WallTime) {
      auto& refusals = node.member.state.refusals;
      for (const v1::ResourceProblem& problem : problems) {
        const ProblemKey key{problem.kind(), problem.name()};
        const auto known = refusals.find(key);
        if (known == refusals.end() && refusals.size() >= limits::kReportedProblems) break;
        news =
            news || known == refusals.end() || known->second.problem.version() != problem.version();
        refusals.insert_or_assign(key, NodeState::RefusedVersion{problem, generation});
      }
    });
    return news;
  }

  void Accepted(const std::string& node_id, const std::string& kind,
                const std::vector<std::shared_ptr<const SnapshotItem>>& items) {
    {
      const MutexLock lock(mutex_);
      const auto found = nodes_.find(node_id);
      if (found == nodes_.end() || found->second.member.state.refusals.empty()) return;
    }
    Edit(node_id, [&](Node& node, WallTime) {
      for (const auto& item : items) node.member.state.refusals.erase({kind, item->name});
    });
  }

  void Await(const std::string& node_id) {
    {
      const MutexLock lock(mutex_);
      const auto found = nodes_.find(node_id);
      if (found == nodes_.end() || found->second.member.state.awaited) return;
    }
    Edit(node_id, [](Node& node, WallTime) { node.member.state.awaited = true; });
  }

  void Forget() {
    const MutexLock lock(mutex_);
    const WallTime now = clock_();
    bool changed = GiveUp(now);
    while (!given_up_.empty() && now - given_up_.begin()->since >= limits::kNodeKept) {
      Node& node = *given_up_.begin()->node;
      given_up_.erase(given_up_.begin());
      LeaveCohort(node);
      nodes_.erase(nodes_.find(node.member.state.identity.id));
      changed = true;
    }
    if (changed) Touch(now);
  }

  std::vector<model::Resource> DataPlanes() {
    struct Seen {
      NodeState state;
      std::shared_ptr<const Snapshot> wanted;
    };
    std::vector<Seen> seen;
    const WallTime now = clock_();
    {
      const MutexLock lock(mutex_);
      FollowSteps();
      SettleAll(now);
      seen.reserve(nodes_.size());
      for (const auto& [id, node] : nodes_) {
        seen.push_back({node.member.state, node.cohort->second.cohort.wanted()});
      }
    }
    std::vector<model::Resource> objects;
    objects.reserve(seen.size());
    for (const auto& [state, wanted] : seen) objects.push_back(MakeDataPlane(state, *wanted, now));
    return objects;
  }

  v1::RolloutResponse Progress(std::int64_t generation,
                               const std::vector<model::ResourceKey>& objects) {
    const MutexLock lock(mutex_);
    FollowSteps();
    if (step_->generation < generation) return {};  // Not yet known who sees it: not settled.
    GiveUp(clock_());
    RolloutNodes nodes;
    for (const auto& [group, entry] : cohorts_) nodes.awaited.push_back(&entry.cohort);
    for (const Absence& absence : given_up_) {
      const Node& node = *absence.node;
      if (!node.member.state.awaited || node.member.state.draining) continue;
      nodes.gone.push_back({&node.member.state, node.cohort->second.cohort.wanted().get()});
    }
    return FoldRollout(generation, objects, nodes);
  }

  v1::ObjectStatus StatusOf(const model::Resource& resource) {
    const auto current = catalog_.Current();
    ObjectFacts facts{&resource, {}, {}};
    ObjectTally tally;
    WallTime changed;
    {
      const MutexLock lock(mutex_);
      FollowSteps();
      GiveUp(clock_());
      const auto left_out = step_->left_out->find(resource.key());
      if (left_out != step_->left_out->end()) {
        facts.left_out = left_out->second;
      } else {
        const bool distributed = step_->generation >= current->generation;
        for (const auto& [group, entry] : cohorts_) {
          entry.cohort.Count(resource.key(), distributed, tally);
        }
      }
      changed = last_change_;
    }
    if (!facts.left_out) facts.missing = MissingReferences(resource, current->resources);
    v1::ObjectStatus status;
    status.set_observed_generation(resource.meta().generation());
    auto conditions = MakeConditions(facts, std::move(tally));
    SetTransitions(resource, changed, current->resources, conditions);
    for (v1::Condition& condition : conditions) *status.add_conditions() = std::move(condition);
    return status;
  }

  std::shared_ptr<void> OnChange(std::function<void()> callback) {
    return notifier_.Add(std::move(callback));
  }

 private:
  // Lives as long as one of its nodes.
  struct CohortEntry {
    Cohort cohort;
    std::size_t nodes = 0;  // Awaited or not.
  };
  using Cohorts = std::map<std::uint64_t, CohortEntry>;  // By Snapshot::group.
  struct Node {
    Member member;
    std::unique_ptr<SnapshotFeed::View> view;
    Cohorts::iterator cohort;
    bool in_cohort = false;  // `cohort` is set.
    bool counted = false;
    bool given_up = false;
    std::uint64_t settled_for = 0;  // Snapshot::id.
  };
  struct Absence {
    WallTime since;
    Node* node;
    friend auto operator<=>(const Absence&, const Absence&) = default;
  };
  struct Transition {
    v1::Condition::State status = v1::Condition::UNKNOWN;
    WallTime time;
  };

  // A node's facts change between the two.
  void Uncount(Node& node) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (std::exchange(node.counted, false)) node.cohort->second.cohort.Leave(node.member);
  }
  void Recount(Node& node) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Uncount(node);
    const NodeState& state = node.member.state;
    if (!state.awaited || state.draining || node.given_up) return;
    node.cohort->second.cohort.Enter(node.member);
    node.counted = true;
  }

  template <typename Change>
  void Edit(const std::string& node_id, const Change& change) {
    const MutexLock lock(mutex_);
    const auto found = nodes_.find(node_id);
    if (found == nodes_.end()) return;
    const WallTime now = clock_();
    FollowSteps();
    Uncount(found->second);
    change(found->second, now);
    Seen(found->second, now);
  }

  void Seen(Node& node, WallTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    node.member.state.last_seen = now;
    Recount(node);
    Settle(node, now);
    Touch(now);
  }

  void Settle(Node& node, WallTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const Snapshot& wanted = *node.cohort->second.cohort.wanted();
    node.settled_for = wanted.id;
    NodeState& state = node.member.state;
    const v1::Condition::State synced = SyncedState(state, wanted);
    if (synced == state.synced) return;
    state.synced = synced;
    state.synced_since = now;
  }

  // Those that a step has given something else to run.
  void SettleAll(WallTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    for (auto& [id, node] : nodes_) {
      const Cohort& cohort = node.cohort->second.cohort;
      if (node.settled_for == cohort.wanted()->id) continue;
      if (node.counted && cohort.Outdated(node.member)) Recount(node);
      Settle(node, now);
    }
  }

  void JoinCohort(Node& node) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    LeaveCohort(node);
    auto wanted = node.view->Current();
    const std::uint64_t group = wanted->group;
    node.cohort = cohorts_.try_emplace(group, CohortEntry{Cohort(wanted), 0}).first;
    node.cohort->second.cohort.Want(std::move(wanted));
    ++node.cohort->second.nodes;
    node.in_cohort = true;
  }

  void LeaveCohort(Node& node) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!std::exchange(node.in_cohort, false)) return;
    Uncount(node);
    if (--node.cohort->second.nodes == 0) cohorts_.erase(node.cohort);
  }

  // Takes in the feed's last step, which may be ahead of its last call of Published. Costs the
  // number of groups, and that of nodes when label sets have changed their group.
  void FollowSteps() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    auto step = feed_.Step();
    if (step == step_) return;
    if (step->regroupings != step_->regroupings) {
      for (auto& [id, node] : nodes_) {
        JoinCohort(node);
        Recount(node);
      }
    }
    for (auto& [group, entry] : cohorts_) {
      const auto found = step->by_group.find(group);
      if (found != step->by_group.end()) entry.cohort.Want(found->second);
    }
    step_ = std::move(step);
  }

  void Touch(WallTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    last_change_ = now;
    notifier_.Changed();
  }

  // Nodes that have been gone for so long are not awaited any more. True: there were some.
  bool GiveUp(WallTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    bool any = false;
    while (!absent_.empty() && now - absent_.begin()->since >= limits::kNodeAwaited) {
      const Absence absence = *absent_.begin();
      absent_.erase(absent_.begin());
      absence.node->given_up = true;
      Uncount(*absence.node);
      given_up_.insert(absence);
      any = true;
    }
    return any;
  }

  void SetTransitions(const model::Resource& resource, WallTime changed,
                      const model::ResourceSet& resources, std::vector<v1::Condition>& conditions) {
    const MutexLock lock(transitions_mutex_);
    auto& remembered = transitions_[resource.key()];
    for (v1::Condition& condition : conditions) {
      auto [transition, added] = remembered.try_emplace(condition.type());
      if (added || transition->second.status != condition.status()) {
        transition->second = {condition.status(), changed};
      }
      // An object that was made again, or before the fleet's next change, is as old as it says.
      *condition.mutable_last_transition_time() =
          Later(ToTimestamp(transition->second.time), resource.meta().creation_timestamp());
    }
    if (transitions_.size() > resources.size() * 2 + 1000) {
      std::erase_if(transitions_,
                    [&](const auto& entry) { return resources.Find(entry.first) == nullptr; });
    }
  }

  Catalog& catalog_;
  SnapshotFeed& feed_;
  const Clock clock_;

  mutable Mutex mutex_;
  std::map<std::string, Node> nodes_ ABSL_GUARDED_BY(mutex_);
  Cohorts cohorts_ ABSL_GUARDED_BY(mutex_);
  std::set<Absence> absent_ ABSL_GUARDED_BY(mutex_);    // Expected back.
  std::set<Absence> given_up_ ABSL_GUARDED_BY(mutex_);  // Not any more.
  std::shared_ptr<const SnapshotStep> step_ ABSL_GUARDED_BY(mutex_);
  WallTime last_change_ ABSL_GUARDED_BY(mutex_) = clock_();

  Mutex transitions_mutex_;
  std::map<model::ResourceKey, std::map<std::string, Transition>> transitions_
      ABSL_GUARDED_BY(transitions_mutex_);

  ChangeNotifier notifier_;  // Last: its thread uses the rest.
};

Fleet::Fleet(Catalog& catalog, SnapshotFeed& feed, Clock clock)
    : state_(std::make_shared<State>(catalog, feed, std::move(clock))) {
  feed.OnPublished([state = std::weak_ptr(state_)] {
    if (const auto fleet = state.lock()) fleet->Published();
  });
}

Fleet::~Fleet() = default;

Result<void> Fleet::DiscoveryOpened(const NodeIdentity& node) {
  return state_->Open(node, &NodeState::discovery_streams);
}

void Fleet::DiscoveryClosed(const std::string& node_id) {
  state_->Close(node_id, &NodeState::discovery_streams);
}

void Fleet::FollowsGenerations(const std::string& node_id) { state_->Await(node_id); }

bool Fleet::AnswerRefused(const std::string& node_id, std::int64_t generation,
                          const std::vector<v1::ResourceProblem>& problems) {
  return state_->Refused(node_id, generation, problems);
}

void Fleet::AnswerAccepted(const std::string& node_id, const std::string& kind,
                           const std::vector<std::shared_ptr<const SnapshotItem>>& items) {
  state_->Accepted(node_id, kind, items);
}

Result<void> Fleet::ReportOpened(const v1::NodeReport& first) {
  if (auto checked = CheckReport(first); !checked) return checked;
  auto opened =
      state_->Open({first.node_id(), LabelsOf(first), first.version()}, &NodeState::report_streams);
  if (opened) state_->Take(first);
  return opened;
}

Result<void> Fleet::Reported(const v1::NodeReport& report) {
  if (auto checked = CheckReport(report); !checked) return checked;
  state_->Take(report);
  return {};
}

void Fleet::ReportClosed(const std::string& node_id) {
  state_->Close(node_id, &NodeState::report_streams);
}

void Fleet::ForgetGone() { state_->Forget(); }

std::vector<model::Resource> Fleet::DataPlanes() const { return state_->DataPlanes(); }

v1::ObjectStatus Fleet::StatusOf(const model::Resource& resource) const {
  return state_->StatusOf(resource);
}

v1::RolloutResponse Fleet::Progress(std::int64_t generation,
                                    const std::vector<model::ResourceKey>& objects) const {
  return state_->Progress(generation, objects);
}

std::shared_ptr<void> Fleet::OnChange(std::function<void()> callback) {
  return state_->OnChange(std::move(callback));
}

}  // namespace sluice::controlplane
