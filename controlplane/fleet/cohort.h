// The nodes of one visibility group that are awaited, counted as they report: what has become of an
// object or a generation on them is read off, whatever their number. Not thread-safe: the fleet
// owns it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/model/resource.h"
#include "controlplane/fleet/node_state.h"
#include "controlplane/fleet/progress_order.h"
#include "controlplane/snapshot/snapshot.h"

namespace sluice::controlplane {

// A node and under what it is counted.
struct Member {
  NodeState state;
  std::int64_t dealt = kNothing;     // With every generation up to here.
  std::int64_t in_force = kNothing;  // The same, if its report had room for all of its problems.
};

// What has become of one object. Texts are made of it later (object_conditions.h).
struct ObjectTally {
  // As many nodes as a message names.
  static constexpr std::size_t kNamed = 5;

  struct Lagging {
    std::string node_id;
    bool connected;
    bool reported;
    std::int64_t active_generation;
    std::int64_t wanted_generation;
  };
  struct Refusing {
    std::string node_id;
    v1::ResourceProblem problem;
  };
  std::size_t total = 0;
  std::size_t in_force = 0;
  std::size_t lagging = 0;
  std::size_t refusing = 0;
  // Some of them; by name where there are no more.
  std::vector<Lagging> some_lagging;
  std::vector<Refusing> some_refusing;
  std::size_t looked_at = 0;  // Nodes; for tests.
};

class Cohort {
 public:
  explicit Cohort(std::shared_ptr<const Snapshot> wanted) : wanted_(std::move(wanted)) {}

  // What its nodes should run.
  const std::shared_ptr<const Snapshot>& wanted() const { return wanted_; }
  // An older one is ignored. Members are counted by the old one until they are entered again.
  void Want(std::shared_ptr<const Snapshot> snapshot);

  // Counts the node as it is now. It leaves before it changes; its address and id stay.
  void Enter(Member& member);
  void Leave(const Member& member);
  // Would it be counted otherwise than it is?
  bool Outdated(const Member& member) const;

  // `distributed`: the object's current form is in the snapshot; nobody has it in force otherwise.
  void Count(const model::ResourceKey& object, bool distributed, ObjectTally& tally) const;

  std::size_t size() const { return by_dealt_.size(); }
  const ProgressOrder& by_dealt() const { return by_dealt_; }
  // Each member that has something against one of `objects` (any object when empty) as it should
  // run it; some of them more than once.
  void ForEachTroubled(const std::vector<model::ResourceKey>& objects,
                       const std::function<void(const Member&)>& visit) const;

 private:
  // By the version that a problem is about; empty: whatever there is.
  using Troubled = std::map<std::string, ProgressOrder, std::less<>>;

  template <typename Visit>
  void ForEachProblem(const NodeState& node, const Visit& visit) const;

  std::shared_ptr<const Snapshot> wanted_;
  ProgressOrder by_dealt_;
  ProgressOrder by_in_force_;
  std::map<ProblemKey, Troubled> troubled_;  // In order of Member::in_force.
};

}  // namespace sluice::controlplane
