// The fleet: every node the control plane has heard of lately, from its discovery stream and from
// its reports, folded into DataPlane objects, conditions and rollouts. Says what the nodes said,
// not what was sent to them. Nodes that are gone stay listed for limits::kNodeKept. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/model/resource.h"
#include "controlplane/fleet/fleet_view.h"
#include "controlplane/fleet/node_id.h"
#include "controlplane/fleet/node_state.h"
#include "controlplane/snapshot/snapshot_feed.h"
#include "controlplane/store/catalog.h"

namespace sluice::controlplane {

class Fleet final : public FleetView {
 public:
  using Clock = std::function<WallTime()>;

  // Both must outlive the fleet.
  Fleet(Catalog& catalog, SnapshotFeed& feed, Clock clock = std::chrono::system_clock::now);
  // Every stream must be closed. Ends the thread that tells of changes.
  ~Fleet() override;

  // Discovery streams. A node may have several for a moment. kResourceExhausted: too many nodes.
  Result<void> DiscoveryOpened(const NodeIdentity& node);
  void DiscoveryClosed(const std::string& node_id);
  // The node follows the Generation profile: it will report, and its progress is awaited.
  void FollowsGenerations(const std::string& node_id);
  // What the node said of an answer of `generation`: refused objects, and items it took. False: all
  // of the refusals were known.
  bool AnswerRefused(const std::string& node_id, std::int64_t generation,
                     const std::vector<v1::ResourceProblem>& problems);
  void AnswerAccepted(const std::string& node_id, const std::string& kind,
                      const std::vector<std::shared_ptr<const SnapshotItem>>& items);

  // Report streams. Opened by a stream's first report; kInvalidArgument: the report breaks a bound.
  Result<void> ReportOpened(const v1::NodeReport& first);
  Result<void> Reported(const v1::NodeReport& report);
  void ReportClosed(const std::string& node_id);

  // Forgets nodes that have been gone for too long; also done every second.
  void ForgetGone();

  std::vector<model::Resource> DataPlanes() const override;
  v1::ObjectStatus StatusOf(const model::Resource& resource) const override;
  v1::RolloutResponse Progress(std::int64_t generation,
                               const std::vector<model::ResourceKey>& objects) const override;
  std::shared_ptr<void> OnChange(std::function<void()> callback) override;

 private:
  class State;
  const std::shared_ptr<State> state_;
};

}  // namespace sluice::controlplane
