#include "controlplane/fleet/data_plane_object.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "common/base/text_format.h"
#include "controlplane/fleet/timestamps.h"
#include "sluice/v1/data_plane.pb.h"

namespace sluice::controlplane {
namespace {

void AddConnected(const NodeState& node, WallTime now, v1::DataPlaneStatus& status) {
  v1::Condition& connected = *status.add_conditions();
  connected.set_type("Connected");
  connected.set_status(node.connected() ? v1::Condition::TRUE : v1::Condition::FALSE);
  connected.set_reason(node.connected() ? "Connected" : "Disconnected");
  if (node.connected() && node.awaited && node.discovery_streams == 0) {
    connected.set_message("reports, but has no discovery stream");
  }
  if (node.connected() && node.awaited && node.report_streams == 0) {
    connected.set_message("has a discovery stream, but does not report");
  }
  if (node.DrainsAt(now)) {
    connected.set_reason("Draining");
    connected.set_message(
        fmt::format("shuts down and has ended in {} s at the latest",
                    std::chrono::ceil<std::chrono::seconds>(node.drained_by - now).count()));
  }
  *connected.mutable_last_transition_time() = ToTimestamp(node.connected_since);
}

std::string NotInForceText(std::size_t objects) {
  return fmt::format("{} {} not in force", Counted(objects, "object"), objects == 1 ? "is" : "are");
}

void AddSynced(const NodeState& node, v1::DataPlaneStatus& status) {
  v1::Condition& synced = *status.add_conditions();
  synced.set_type("Synced");
  *synced.mutable_last_transition_time() = ToTimestamp(node.synced_since);
  synced.set_status(node.synced);
  switch (node.synced) {
    case v1::Condition::TRUE:
      synced.set_reason("Synced");
      break;
    case v1::Condition::FALSE:
      synced.set_reason(status.problems_size() > 0 ? "Refused" : "Pending");
      synced.set_message(status.problems_size() > 0
                             ? NotInForceText(static_cast<std::size_t>(status.problems_size()))
                             : fmt::format("runs generation {} of {}", status.active_generation(),
                                           status.wanted_generation()));
      break;
    default:
      synced.set_reason("NoReport");
      synced.set_message("the node has not reported yet");
  }
}

}  // namespace

model::Resource MakeDataPlane(const NodeState& node, const Snapshot& wanted, WallTime now) {
  auto message = std::make_unique<v1::DataPlane>();
  v1::ObjectMeta& meta = *message->mutable_metadata();
  meta.set_name(node.identity.id);
  meta.mutable_labels()->insert(node.identity.labels.begin(), node.identity.labels.end());
  *meta.mutable_creation_timestamp() = ToTimestamp(node.first_seen);

  v1::DataPlaneStatus& status = *message->mutable_status();
  status.set_observed_generation(wanted.generation);
  status.set_wanted_generation(wanted.generation);
  status.set_active_generation(node.report->active_generation());
  for (v1::ResourceProblem& problem : ProblemsOf(node, wanted)) {
    *status.add_problems() = std::move(problem);
  }
  status.set_sessions(node.report->sessions());
  *status.mutable_last_seen() = ToTimestamp(node.last_seen);
  status.set_version(node.identity.version);
  status.set_stale(node.report->stale());
  *status.mutable_unhealthy_endpoints() = node.report->unhealthy_endpoints();
  AddConnected(node, now, status);
  AddSynced(node, status);
  return model::Resource::FromMessage(std::move(message));
}

}  // namespace sluice::controlplane
