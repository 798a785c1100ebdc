// What the control plane knows of one node, and what follows from that for one object. Plain data
// and pure functions: the fleet keeps the data, cohorts count it. A value: copies share what is
// large.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/fleet/node_id.h"
#include "controlplane/snapshot/snapshot.h"
#include "sluice/v1/meta.pb.h"
#include "sluice/v1/node_status.pb.h"

namespace sluice::controlplane {

using WallTime = std::chrono::system_clock::time_point;

// Kind and `namespace/name`, as in a ResourceProblem.
using ProblemKey = std::pair<std::string, std::string>;
using ProblemMap = std::map<ProblemKey, v1::ResourceProblem>;

// Below every generation.
inline constexpr std::int64_t kNothing = -1;

struct NodeState {
  NodeIdentity identity;

  int discovery_streams = 0;
  int report_streams = 0;
  // It follows the Generation profile or has reported: its progress is awaited. Other xDS clients
  // are listed, but say nothing of what they have in force.
  bool awaited = false;

  // The last one; empty before the first.
  std::shared_ptr<const v1::NodeReport> report = std::make_shared<const v1::NodeReport>();
  bool reported = false;
  std::shared_ptr<const ProblemMap> problems =
      std::make_shared<const ProblemMap>();  // Of the report.

  // Refused on the discovery stream and not yet covered by a report.
  struct RefusedVersion {
    v1::ResourceProblem problem;
    std::int64_t generation;
  };
  std::map<ProblemKey, RefusedVersion> refusals;

  // Its process has said that it shuts down, and when it will have ended. Another process of the
  // same name is not bound by that.
  bool draining = false;
  WallTime drained_by;

  WallTime first_seen;
  WallTime last_seen;
  WallTime connected_since;  // Or disconnected since.
  v1::Condition::State synced = v1::Condition::UNKNOWN;
  WallTime synced_since;
  bool connected() const { return discovery_streams > 0 || report_streams > 0; }
  // Its sessions may go on, whether it is still connected or not.
  bool DrainsAt(WallTime now) const { return draining && now < drained_by; }
};

ProblemMap ProblemsIn(const v1::NodeReport& report);

// `wanted`, below: what the node should run, the snapshot of its visibility group.

// nullptr: it is not there, or of no streamed kind.
const SnapshotEntry* EntryOf(const Snapshot& wanted, const ProblemKey& object);

// The node has dealt with everything up to this generation; kNothing before its first report.
std::int64_t DealtWith(const NodeState& node, const Snapshot& wanted);

// Runs all of what it should, UNKNOWN before its first report.
v1::Condition::State SyncedState(const NodeState& node, const Snapshot& wanted);

// What the node has against the object's current form; nullptr if nothing is known of.
const v1::ResourceProblem* ProblemWith(const NodeState& node, const Snapshot& wanted,
                                       const ProblemKey& object);
// The same for every object, in order of kind and name.
std::vector<v1::ResourceProblem> ProblemsOf(const NodeState& node, const Snapshot& wanted);

}  // namespace sluice::controlplane
