#include "controlplane/ctl/fleet_table.h"

#include "controlplane/ctl/age.h"
#include "controlplane/ctl/conditions.h"
#include "controlplane/ctl/object_text.h"
#include "controlplane/ctl/problem_text.h"
#include "controlplane/ctl/table.h"
#include "sluice/v1/data_plane.pb.h"

namespace sluice::ctl {
namespace {

std::string Refusals(const std::vector<model::Resource>& nodes) {
  Table table({"NODE", "OBJECT", "STATE", "REASON", "FIELD", "MESSAGE"});
  for (const auto& node : nodes) {
    for (const auto& problem : node.As<v1::DataPlane>().status().problems()) {
      table.Add({node.key().name, ObjectText(problem), StateText(problem.state()), problem.reason(),
                 problem.field(), problem.message()});
    }
  }
  return table.empty() ? "" : "\nRefusals:\n" + table.Take(true);
}

std::string UnhealthyEndpoints(const std::vector<model::Resource>& nodes) {
  Table table({"NODE", "UPSTREAM", "ADDRESS", "OPEN-SESSIONS"});
  for (const auto& node : nodes) {
    for (const auto& endpoint : node.As<v1::DataPlane>().status().unhealthy_endpoints()) {
      if (endpoint.available()) continue;
      table.Add({node.key().name, endpoint.upstream(), endpoint.address(),
                 std::to_string(endpoint.open_sessions())});
    }
  }
  return table.empty() ? "" : "\nUnavailable endpoints:\n" + table.Take(true);
}

}  // namespace

std::string FleetText(const std::vector<model::Resource>& nodes, const FleetStyle& style) {
  Row header = {"NODE",   "VERSION",  "CONNECTED", "WANTED",   "ACTIVE",
                "SYNCED", "REFUSALS", "SESSIONS",  "LAST-SEEN"};
  if (style.wide) header.insert(header.end(), {"STALE", "LABELS"});
  Table table(std::move(header));
  for (const auto& node : nodes) {
    const auto& status = node.As<v1::DataPlane>().status();
    Row row = {node.key().name,
               status.version(),
               ConnectedCell(node.message()),
               std::to_string(status.wanted_generation()),
               std::to_string(status.active_generation()),
               ConditionCell(node.message(), "Synced"),
               std::to_string(status.problems_size()),
               std::to_string(status.sessions()),
               AgeOf(status.last_seen(), style.now)};
    if (style.wide) {
      row.insert(row.end(), {status.stale() ? "yes" : "no", LabelText(node.meta().labels())});
    }
    table.Add(std::move(row));
  }
  std::string text = table.Take(style.headers);
  if (!style.headers) return text;
  text += Refusals(nodes);
  if (style.wide) text += UnhealthyEndpoints(nodes);
  return text;
}

}  // namespace sluice::ctl
