#include "dataplane/control/node_status.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "common/base/limits.h"
#include "common/base/version.h"
#include "common/manifest/manifest.h"

namespace sluice::dataplane {
namespace {

constexpr std::size_t kListenersNamed = 20;  // On /readyz.

nlohmann::json OrNull(const std::string& text) {
  return text.empty() ? nlohmann::json() : nlohmann::json(text);
}

void AddUnhealthy(const UpstreamConfig& upstream, std::int64_t now_s, v1::NodeReport& report) {
  for (const BalanceEndpoint& endpoint : upstream.balancer->endpoints()) {
    if (IsAvailable(*endpoint.state, upstream.health, now_s)) continue;
    if (report.unhealthy_endpoints_size() ==
        static_cast<int>(limits::kUnhealthyEndpointsReported)) {
      return;
    }
    v1::EndpointHealth& health = *report.add_unhealthy_endpoints();
    health.set_upstream(upstream.name);
    health.set_address(endpoint.text);
    health.set_available(false);
    health.set_open_sessions(endpoint.state->open.load(std::memory_order_relaxed));
  }
}

}  // namespace

v1::NodeReport MakeNodeReport(const NodeStatusInputs& inputs) {
  v1::NodeReport report;
  report.set_node_id(inputs.node.id);
  for (const auto& [key, value] : inputs.node.labels) (*report.mutable_labels())[key] = value;
  report.set_version(std::string(kVersion));
  report.set_active_generation(inputs.generation);
  report.set_active_digest(inputs.digest);
  report.set_problems_total(static_cast<std::uint32_t>(inputs.problems.size()));
  for (const v1::ResourceProblem& problem : inputs.problems) {
    if (report.problems_size() == static_cast<int>(limits::kReportedProblems)) break;
    *report.add_problems() = problem;
  }
  report.set_sessions(inputs.sessions.open);
  report.set_sessions_on_older_config(inputs.sessions.on_older_config);
  report.set_stale(inputs.stale);
  report.set_draining_seconds(static_cast<std::uint32_t>(std::min<std::int64_t>(
      inputs.shutdown_left.count(), std::numeric_limits<std::uint32_t>::max())));

  const std::int64_t now_s = WholeSeconds(std::chrono::steady_clock::now());
  for (const auto& upstream : inputs.config.upstreams) {
    if (upstream != nullptr) AddUnhealthy(*upstream, now_s, report);
  }
  return report;
}

Readiness ReadinessOf(const std::vector<v1::ResourceProblem>& problems, std::size_t serving) {
  std::string text;
  std::size_t named = 0;
  std::size_t listeners = 0;
  for (const v1::ResourceProblem& problem : problems) {
    if (problem.kind() != "Listener") continue;
    if (++listeners > kListenersNamed) continue;
    ++named;
    text += fmt::format("{}listener {}: {}: {}", text.empty() ? "" : "\n", problem.name(),
                        problem.reason(), problem.message());
  }
  if (listeners > named) text += fmt::format("\nand {} more listeners", listeners - named);
  if (listeners == 0 || serving != 0) return {true, std::move(text)};
  return {false, "no listener can be served\n" + text};
}

std::string RenderConfigPage(const v1::NodeReport& report,
                             const std::vector<ListenerPlace>& listeners,
                             const std::vector<VersionedResource>& in_force) {
  google::protobuf::util::JsonPrintOptions print;
  print.always_print_primitive_fields = true;
  std::string status;
  if (!google::protobuf::util::MessageToJsonString(report, &status, print).ok()) status = "null";
  nlohmann::json places = nlohmann::json::array();
  for (const ListenerPlace& place : listeners) {
    places.push_back(
        {{"name", place.name}, {"wanted", OrNull(place.wanted)}, {"served", OrNull(place.served)}});
  }
  std::string page =
      "{\"status\": " + status + ",\n\"listeners\": " + places.dump() + ",\n\"resources\": [";
  std::string_view separator = "\n";
  for (const VersionedResource& held : in_force) {
    page += separator;
    page += manifest::ToJson(held.resource->message(), false);
    separator = ",\n";
  }
  page += "\n]}\n";
  return page;
}

}  // namespace sluice::dataplane
