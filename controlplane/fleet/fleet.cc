#include "controlplane/fleet/fleet.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "common/base/limits.h"
#include "controlplane/fleet/change_notifier.h"
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
      : catalog_(catalog), feed_(feed), clock_(std::move(clock)), notifier_([this] { Forget(); }) {}

  // On the feed's thread, after it has told everybody of a new generation.
  void Published() {
    const std::lock_guard lock(mutex_);
    const WallTime now = clock_();
    for (auto& [id, node] : nodes_) Settle(node, now);
    Touch(now);
  }

  Result<void> Open(const NodeIdentity& identity, int NodeState::*streams) {
    const std::lock_guard lock(mutex_);
    const WallTime now = clock_();
    auto found = nodes_.find(identity.id);
    if (found == nodes_.end()) {
      if (nodes_.size() >= limits::kNodes) {
        return Fail(ErrorCode::kResourceExhausted,
                    fmt::format("the control plane serves at most {} nodes", limits::kNodes));
      }
      found = nodes_.emplace(identity.id, Node{}).first;
      found->second.state.first_seen = now;
      found->second.state.synced_since = now;
    }
    Node& node = found->second;
    // What a node says on its discovery stream decides what it is given.
    const bool discovery = streams == &NodeState::discovery_streams;
    if (node.view == nullptr || discovery || node.state.discovery_streams == 0) {
      if (node.view == nullptr || node.state.identity.labels != identity.labels) {
        node.view = feed_.Open(identity.labels, {});
      }
      node.state.identity = identity;
    }
    if (!node.state.connected()) node.state.connected_since = now;
    ++(node.state.*streams);
    Seen(node, now);
    return {};
  }

  void Close(const std::string& node_id, int NodeState::*streams) {
    const std::lock_guard lock(mutex_);
    const auto found = nodes_.find(node_id);
    if (found == nodes_.end()) return;
    Node& node = found->second;
    const WallTime now = clock_();
    --(node.state.*streams);
    if (!node.state.connected()) node.state.connected_since = now;
    Seen(node, now);
  }

  void Take(const v1::NodeReport& report) {
    const std::lock_guard lock(mutex_);
    const auto found = nodes_.find(report.node_id());
    if (found == nodes_.end()) return;
    NodeState& node = found->second.state;
    node.report = report;
    node.reported = true;
    node.awaited = true;
    if (!report.version().empty()) {
      node.identity.version = report.version().substr(0, limits::kNameLength);
    }
    node.problems.clear();
    for (const v1::ResourceProblem& problem : report.problems()) {
      node.problems.insert_or_assign(ProblemKey{problem.kind(), problem.name()}, problem);
    }
    std::erase_if(node.refusals, [&](const auto& refusal) {
      return refusal.second.generation <= report.settled_generation();
    });
    Seen(found->second, clock_());
  }

  bool Refused(const std::string& node_id, std::int64_t generation,
               const std::vector<v1::ResourceProblem>& problems) {
    const std::lock_guard lock(mutex_);
    const auto found = nodes_.find(node_id);
    if (found == nodes_.end()) return false;
    auto& refusals = found->second.state.refusals;
    bool news = false;
    for (const v1::ResourceProblem& problem : problems) {
      const ProblemKey key{problem.kind(), problem.name()};
      const auto known = refusals.find(key);
      if (known == refusals.end() && refusals.size() >= limits::kReportedProblems) break;
      news =
          news || known == refusals.end() || known->second.problem.version() != problem.version();
      refusals.insert_or_assign(key, NodeState::Refusal{problem, generation});
    }
    Seen(found->second, clock_());
    return news;
  }

  void Accepted(const std::string& node_id, const std::string& kind,
                const std::vector<std::shared_ptr<const SnapshotItem>>& items) {
    const std::lock_guard lock(mutex_);
    const auto found = nodes_.find(node_id);
    if (found == nodes_.end()) return;
    auto& refusals = found->second.state.refusals;
    if (refusals.empty()) return;
    for (const auto& item : items) refusals.erase({kind, item->name});
    Seen(found->second, clock_());
  }

  void Await(const std::string& node_id) {
    const std::lock_guard lock(mutex_);
    const auto found = nodes_.find(node_id);
    if (found == nodes_.end() || found->second.state.awaited) return;
    found->second.state.awaited = true;
    Seen(found->second, clock_());
  }

  void Forget() {
    const std::lock_guard lock(mutex_);
    const WallTime now = clock_();
    bool changed = false;
    for (auto node = nodes_.begin(); node != nodes_.end();) {
      const bool gone = !node->second.state.connected();
      const auto absence = now - node->second.state.connected_since;
      // Once when a rollout stops awaiting it, once when it leaves the list.
      const bool given_up = gone && absence >= limits::kNodeAwaited && !node->second.given_up;
      node->second.given_up = gone && absence >= limits::kNodeAwaited;
      changed = changed || given_up;
      if (gone && absence >= limits::kNodeKept) {
        node = nodes_.erase(node);
        changed = true;
      } else {
        ++node;
      }
    }
    if (changed) Touch(now);
  }

  std::vector<model::Resource> DataPlanes() {
    const std::lock_guard lock(mutex_);
    Refresh();
    std::vector<model::Resource> objects;
    objects.reserve(nodes_.size());
    for (const auto& [id, node] : nodes_) objects.push_back(MakeDataPlane(node.state));
    return objects;
  }

  v1::RolloutResponse Progress(std::int64_t generation,
                               const std::vector<model::ResourceKey>& objects) {
    const std::lock_guard lock(mutex_);
    Refresh();
    if (feed_.generation() < generation) return {};  // Not yet known who sees it: not settled.
    return FoldRollout(generation, objects, NodesToFollow());
  }

  v1::ObjectStatus StatusOf(const model::Resource& resource) {
    const auto current = catalog_.Current();
    const std::lock_guard lock(mutex_);
    Refresh();
    ObjectFacts facts{&resource, feed_.LeftOut(resource.key()), {}, false};
    facts.distributed = feed_.generation() >= current->generation;
    if (!facts.left_out) facts.missing = MissingReferences(resource, current->resources);
    v1::ObjectStatus status;
    status.set_observed_generation(resource.meta().generation());
    auto conditions = FoldConditions(facts, NodesToFollow().awaited);
    auto& remembered = transitions_[resource.key()];
    for (v1::Condition& condition : conditions) {
      auto [transition, added] = remembered.try_emplace(condition.type());
      if (added || transition->second.status != condition.status()) {
        transition->second = {condition.status(), last_change_};
      }
      // An object that was made again, or before the fleet's next change, is as old as it says.
      *condition.mutable_last_transition_time() =
          Later(ToTimestamp(transition->second.time), resource.meta().creation_timestamp());
      *status.add_conditions() = std::move(condition);
    }
    if (transitions_.size() > current->resources.size() * 2 + 1000) {
      std::erase_if(transitions_, [&](const auto& entry) {
        return current->resources.Find(entry.first) == nullptr;
      });
    }
    return status;
  }

  std::shared_ptr<void> OnChange(std::function<void()> callback) {
    return notifier_.Add(std::move(callback));
  }

 private:
  struct Node {
    NodeState state;
    std::unique_ptr<SnapshotFeed::View> view;
    bool given_up = false;
  };
  struct Transition {
    v1::Condition::State status = v1::Condition::UNKNOWN;
    WallTime time;
  };

  void Seen(Node& node, WallTime now) {
    node.state.last_seen = now;
    node.given_up = false;
    Settle(node, now);
    Touch(now);
  }

  void Settle(Node& node, WallTime now) {
    node.state.wanted = node.view->Current();
    const v1::Condition::State synced = SyncedState(node.state);
    if (synced == node.state.synced) return;
    node.state.synced = synced;
    node.state.synced_since = now;
  }

  void Touch(WallTime now) {
    last_change_ = now;
    notifier_.Changed();
  }

  // The feed may be ahead of its last call of Published.
  void Refresh() {
    const std::int64_t generation = feed_.generation();
    if (generation == refreshed_) return;
    for (auto& [id, node] : nodes_) node.state.wanted = node.view->Current();
    refreshed_ = generation;
  }

  RolloutNodes NodesToFollow() const {
    const WallTime now = clock_();
    RolloutNodes nodes;
    for (const auto& [id, node] : nodes_) {
      if (!node.state.awaited) continue;
      const bool lately =
          node.state.connected() || now - node.state.connected_since < limits::kNodeAwaited;
      (lately ? nodes.awaited : nodes.gone).push_back(&node.state);
    }
    return nodes;
  }

  Catalog& catalog_;
  SnapshotFeed& feed_;
  const Clock clock_;

  mutable std::mutex mutex_;
  std::map<std::string, Node> nodes_;
  std::map<model::ResourceKey, std::map<std::string, Transition>> transitions_;
  WallTime last_change_ = clock_();
  std::int64_t refreshed_ = 0;

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
