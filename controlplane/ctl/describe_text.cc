#include "controlplane/ctl/describe_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/manifest/manifest.h"
#include "controlplane/ctl/age.h"
#include "controlplane/ctl/conditions.h"
#include "controlplane/ctl/object_text.h"
#include "controlplane/ctl/problem_text.h"
#include "controlplane/ctl/table.h"
#include "sluice/v1/data_plane.pb.h"
#include "sluice/v1/endpoint_slice.pb.h"
#include "sluice/v1/upstream.pb.h"

namespace sluice::ctl {
namespace {

using model::Resource;

std::string Pair(std::string_view name, std::string_view value) {
  return fmt::format("{:<18}{}\n", fmt::format("{}:", name), value.empty() ? "<none>" : value);
}

std::string Section(std::string_view title, std::string_view body) {
  return body.empty() ? "" : fmt::format("{}:\n{}", title, Indented(body, 2));
}

std::string Head(const Resource& resource, std::chrono::system_clock::time_point now) {
  const v1::ObjectMeta& meta = resource.meta();
  std::string text = Pair("Name", meta.name()) + Pair("Namespace", resource.key().ns) +
                     Pair("Kind", resource.kind().name) + Pair("Labels", LabelText(meta.labels()));
  if (!meta.annotations().empty())
    text += Pair("Annotations", OneLine(LabelText(meta.annotations())));
  if (resource.kind().read_only) return text;
  return text + Pair("Age", AgeOf(meta.creation_timestamp(), now)) +
         Pair("Revision", std::to_string(meta.generation())) +
         Pair("Resource version", meta.resource_version()) + Pair("UID", meta.uid());
}

// The lines of the YAML form that belong to one top-level key, without the key.
std::string YamlSection(const Resource& resource, const std::string& key) {
  const std::string yaml = "\n" + manifest::ToYaml(resource.message()) + "\n";
  const auto start = yaml.find("\n" + key + ":\n");
  if (start == std::string::npos) return "";
  auto end = start + key.size() + 2;
  const auto first = end + 1;
  do {
    end = yaml.find('\n', end + 1);
  } while (end != std::string::npos && end + 1 < yaml.size() &&
           (yaml[end + 1] == ' ' || yaml[end + 1] == '-'));
  if (end == std::string::npos) end = yaml.size();
  std::string body;
  std::string_view rest = std::string_view(yaml).substr(first, end - first + 1);
  const bool indented = rest.starts_with("  ");
  while (!rest.empty()) {
    const auto line_end = std::min(rest.find('\n'), rest.size() - 1) + 1;
    auto line = rest.substr(0, line_end);
    if (indented && line.starts_with("  ")) line.remove_prefix(2);
    body += line;
    rest.remove_prefix(line_end);
  }
  return body;
}

std::string Conditions(const Description& d) {
  Table table({"TYPE", "STATUS", "REASON", "SINCE", "MESSAGE"});
  for (const auto& condition : ConditionsOf(d.resource.message())) {
    const bool old = condition.observed_generation() < d.resource.meta().generation();
    table.Add({condition.type(), std::string(StateWord(condition.status())), condition.reason(),
               AgeOf(condition.last_transition_time(), d.now),
               condition.message() + (old ? " (of an earlier revision)" : "")});
  }
  return table.empty() ? "" : table.Take(true);
}

std::string References(const Description& d) {
  Table table({"OBJECT", "FIELD", "EXISTS"});
  if (d.resource.kind().references == nullptr) return "";
  for (const auto& reference : d.resource.kind().references(d.resource.message())) {
    const model::ResourceKey key{reference.kind, d.resource.key().ns, reference.name};
    const bool exists = std::any_of(d.neighbours.begin(), d.neighbours.end(),
                                    [&](const Resource& r) { return r.key() == key; });
    table.Add({key.Text(), reference.field, exists ? "yes" : "no"});
  }
  return table.empty() ? "" : table.Take(true);
}

std::string Referrers(const Description& d) {
  Table table({"OBJECT", "FIELD"});
  for (const Resource& other : d.neighbours) {
    if (other.kind().references == nullptr) continue;
    for (const auto& reference : other.kind().references(other.message())) {
      if (reference.kind == &d.resource.kind() && reference.name == d.resource.key().name) {
        table.Add({other.key().Text(), reference.field});
      }
    }
  }
  return table.empty() ? "" : table.Take(true);
}

void AddEndpoints(const google::protobuf::RepeatedPtrField<v1::Endpoint>& endpoints,
                  const std::string& from, Table& table) {
  for (const auto& endpoint : endpoints) {
    std::string state = endpoint.drain() ? "draining" : endpoint.backup() ? "backup" : "active";
    table.Add({endpoint.address(), std::to_string(endpoint.has_weight() ? endpoint.weight() : 1),
               endpoint.has_max_connections() ? std::to_string(endpoint.max_connections()) : "-",
               std::move(state), from});
  }
}

// An upstream's own and those of its slices: what a data plane really has.
std::string Endpoints(const Description& d) {
  const auto* upstream = dynamic_cast<const v1::Upstream*>(&d.resource.message());
  if (upstream == nullptr) return "";
  Table table({"ADDRESS", "WEIGHT", "MAX-CONNECTIONS", "STATE", "FROM"});
  AddEndpoints(upstream->spec().endpoints(), d.resource.key().Text(), table);
  for (const Resource& other : d.neighbours) {
    const auto* slice = dynamic_cast<const v1::EndpointSlice*>(&other.message());
    if (slice != nullptr && slice->spec().upstream() == d.resource.key().name) {
      AddEndpoints(slice->spec().endpoints(), other.key().Text(), table);
    }
  }
  return table.empty() ? "<none>\n" : table.Take(true);
}

std::string Nodes(const Description& d) {
  if (!d.nodes) return "";
  if (d.nodes->nodes_total() == 0) return "no connected data plane is given it\n";
  auto text = fmt::format("{} of {} run it as it is stored\n", d.nodes->nodes_synced(),
                          d.nodes->nodes_total());
  Table table({"NODE", "RUNS-GENERATION", "PROBLEM"});
  for (const auto& node : d.nodes->nodes()) {
    const auto generation = std::to_string(node.active_generation());
    if (node.problems().empty()) table.Add({node.node_id(), generation, "not there yet"});
    for (const auto& problem : node.problems()) {
      table.Add({node.node_id(), generation, ProblemText(problem)});
    }
  }
  return table.empty() ? text : text + table.Take(true);
}

std::string NodeProblems(const Description& d) {
  const auto* node = dynamic_cast<const v1::DataPlane*>(&d.resource.message());
  if (node == nullptr) return "";
  const auto& status = node->status();
  std::string text = Pair("Version", status.version()) +
                     Pair("Wants generation", std::to_string(status.wanted_generation())) +
                     Pair("Runs generation", std::to_string(status.active_generation())) +
                     Pair("Sessions", std::to_string(status.sessions())) +
                     Pair("Last seen", AgeOf(status.last_seen(), d.now)) +
                     Pair("Stale", status.stale() ? "yes" : "no");
  std::string problems;
  for (const auto& problem : status.problems()) problems += ProblemText(problem) + "\n";
  Table endpoints({"UPSTREAM", "ADDRESS", "OPEN-SESSIONS"});
  for (const auto& endpoint : status.unhealthy_endpoints()) {
    if (endpoint.available()) continue;
    endpoints.Add(
        {endpoint.upstream(), endpoint.address(), std::to_string(endpoint.open_sessions())});
  }
  return text + Section("Refusals", problems) +
         Section("Unavailable endpoints", endpoints.empty() ? "" : endpoints.Take(true));
}

}  // namespace

std::string DescriptionText(const Description& d) {
  return Head(d.resource, d.now) + NodeProblems(d) +
         Section("Spec", YamlSection(d.resource, "spec")) + Section("Conditions", Conditions(d)) +
         Section("Endpoints", Endpoints(d)) + Section("Refers to", References(d)) +
         Section("Referred to by", Referrers(d)) + Section("Data planes", Nodes(d));
}

}  // namespace sluice::ctl
