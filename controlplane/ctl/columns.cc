#include "controlplane/ctl/columns.h"

#include "controlplane/ctl/age.h"
#include "controlplane/ctl/conditions.h"
#include "controlplane/ctl/object_text.h"
#include "sluice/v1/access_policy.pb.h"
#include "sluice/v1/data_plane.pb.h"
#include "sluice/v1/endpoint_slice.pb.h"
#include "sluice/v1/listener.pb.h"
#include "sluice/v1/upstream.pb.h"

namespace sluice::ctl {
namespace {

using model::Resource;

// Every kind.

std::string Synced(const Resource& r, const ColumnFacts&) {
  return ConditionCell(r.message(), "Synced");
}
std::string Programmed(const Resource& r, const ColumnFacts&) {
  return ConditionCell(r.message(), "Programmed");
}
std::string Age(const Resource& r, const ColumnFacts& facts) {
  return AgeOf(r.meta().creation_timestamp(), facts.now);
}
std::string Labels(const Resource& r, const ColumnFacts&) { return LabelText(r.meta().labels()); }
std::string ObjectGeneration(const Resource& r, const ColumnFacts&) {
  return std::to_string(r.meta().generation());
}

// Listener.

std::string Protocol(const Resource& r, const ColumnFacts&) {
  return v1::ListenerSpec::Protocol_Name(r.As<v1::Listener>().spec().protocol());
}
std::string Address(const Resource& r, const ColumnFacts&) {
  return r.As<v1::Listener>().spec().address();
}
std::string Routes(const Resource& r, const ColumnFacts&) {
  return std::to_string(r.As<v1::Listener>().spec().routes_size());
}
std::string NodeSelector(const Resource& r, const ColumnFacts&) {
  return LabelText(r.As<v1::Listener>().spec().node_selector());
}
std::string RouteTargets(const Resource& r, const ColumnFacts&) {
  std::string text;
  for (const auto& reference : r.kind().references(r.message())) {
    if (reference.field.starts_with("spec.routes")) {
      text += (text.empty() ? "" : ",") + reference.name;
    }
  }
  return text;
}

// Upstream.

std::string BalancePolicy(const Resource& r, const ColumnFacts&) {
  return v1::Balance::Policy_Name(r.As<v1::Upstream>().spec().balance().policy());
}
std::string AllEndpoints(const Resource& r, const ColumnFacts& facts) {
  const auto slices = facts.slice_endpoints.find(r.key().DiscoveryName());
  return std::to_string(r.As<v1::Upstream>().spec().endpoints_size() +
                        (slices == facts.slice_endpoints.end() ? 0 : slices->second));
}

// EndpointSlice.

std::string SliceUpstream(const Resource& r, const ColumnFacts&) {
  return r.As<v1::EndpointSlice>().spec().upstream();
}
std::string SliceEndpoints(const Resource& r, const ColumnFacts&) {
  return std::to_string(r.As<v1::EndpointSlice>().spec().endpoints_size());
}

// AccessPolicy.

std::string PolicyMode(const Resource& r, const ColumnFacts&) {
  return v1::AccessPolicySpec::Mode_Name(r.As<v1::AccessPolicy>().spec().mode());
}
std::string DefaultAction(const Resource& r, const ColumnFacts&) {
  return v1::AccessPolicySpec::Action_Name(r.As<v1::AccessPolicy>().spec().default_action());
}
std::string Rules(const Resource& r, const ColumnFacts&) {
  return std::to_string(r.As<v1::AccessPolicy>().spec().rules_size());
}

// DataPlane.

const v1::DataPlaneStatus& NodeStatus(const Resource& r) { return r.As<v1::DataPlane>().status(); }
std::string NodeVersion(const Resource& r, const ColumnFacts&) { return NodeStatus(r).version(); }
std::string Wanted(const Resource& r, const ColumnFacts&) {
  return std::to_string(NodeStatus(r).wanted_generation());
}
std::string Active(const Resource& r, const ColumnFacts&) {
  return std::to_string(NodeStatus(r).active_generation());
}
std::string Connected(const Resource& r, const ColumnFacts&) { return ConnectedCell(r.message()); }
std::string Problems(const Resource& r, const ColumnFacts&) {
  return std::to_string(NodeStatus(r).problems_size());
}
std::string Sessions(const Resource& r, const ColumnFacts&) {
  return std::to_string(NodeStatus(r).sessions());
}
std::string UnhealthyEndpoints(const Resource& r, const ColumnFacts&) {
  return std::to_string(NodeStatus(r).unhealthy_endpoints_size());
}
std::string Stale(const Resource& r, const ColumnFacts&) {
  return NodeStatus(r).stale() ? "yes" : "no";
}
std::string LastSeen(const Resource& r, const ColumnFacts& facts) {
  return AgeOf(NodeStatus(r).last_seen(), facts.now);
}

constexpr Column kListenerColumns[] = {{"PROTOCOL", Protocol},
                                       {"ADDRESS", Address},
                                       {"ROUTES", Routes},
                                       {"PROGRAMMED", Programmed},
                                       {"SYNCED", Synced},
                                       {"AGE", Age},
                                       {"NODES", NodeSelector, true},
                                       {"UPSTREAMS", RouteTargets, true},
                                       {"REVISION", ObjectGeneration, true},
                                       {"LABELS", Labels, true}};
constexpr Column kUpstreamColumns[] = {{"BALANCE", BalancePolicy},
                                       {"ENDPOINTS", AllEndpoints},
                                       {"SYNCED", Synced},
                                       {"AGE", Age},
                                       {"REVISION", ObjectGeneration, true},
                                       {"LABELS", Labels, true}};
constexpr Column kSliceColumns[] = {
    {"UPSTREAM", SliceUpstream}, {"ENDPOINTS", SliceEndpoints},        {"AGE", Age},
    {"SYNCED", Synced, true},    {"REVISION", ObjectGeneration, true}, {"LABELS", Labels, true}};
constexpr Column kPolicyColumns[] = {{"MODE", PolicyMode},     {"DEFAULT", DefaultAction},
                                     {"RULES", Rules},         {"AGE", Age},
                                     {"SYNCED", Synced, true}, {"REVISION", ObjectGeneration, true},
                                     {"LABELS", Labels, true}};
constexpr Column kDataPlaneColumns[] = {{"VERSION", NodeVersion},
                                        {"GENERATION", Active},
                                        {"SYNCED", Synced},
                                        {"SESSIONS", Sessions},
                                        {"LAST-SEEN", LastSeen},
                                        {"WANTED", Wanted, true},
                                        {"CONNECTED", Connected, true},
                                        {"PROBLEMS", Problems, true},
                                        {"STALE", Stale, true},
                                        {"UNHEALTHY-ENDPOINTS", UnhealthyEndpoints, true},
                                        {"LABELS", Labels, true}};
constexpr Column kAnyColumns[] = {{"SYNCED", Synced},
                                  {"AGE", Age},
                                  {"REVISION", ObjectGeneration, true},
                                  {"LABELS", Labels, true}};

struct KindColumns {
  std::string_view kind;
  std::span<const Column> columns;
};
constexpr KindColumns kColumns[] = {
    {"Listener", kListenerColumns},   {"Upstream", kUpstreamColumns},
    {"EndpointSlice", kSliceColumns}, {"AccessPolicy", kPolicyColumns},
    {"DataPlane", kDataPlaneColumns},
};

}  // namespace

std::span<const Column> ColumnsOf(const model::Kind& kind) {
  for (const KindColumns& entry : kColumns) {
    if (entry.kind == kind.name) return entry.columns;
  }
  return kAnyColumns;
}

Row HeaderOf(const model::Kind& kind, const TableStyle& style) {
  Row row;
  if (style.with_event) row.emplace_back("EVENT");
  if (style.with_namespace) row.emplace_back("NAMESPACE");
  row.emplace_back("NAME");
  for (const Column& column : ColumnsOf(kind)) {
    if (style.wide || !column.wide) row.emplace_back(column.header);
  }
  return row;
}

Row RowOf(const model::Resource& resource, const TableStyle& style, const ColumnFacts& facts,
          std::string_view event) {
  const model::ResourceKey& key = resource.key();
  Row row;
  if (style.with_event) row.emplace_back(event);
  if (style.with_namespace) row.push_back(key.ns);
  row.push_back(
      style.with_kind
          ? model::ResourceKey{key.kind, std::string(model::kDefaultNamespace), key.name}.Text()
          : key.name);
  for (const Column& column : ColumnsOf(resource.kind())) {
    if (style.wide || !column.wide) row.push_back(column.cell(resource, facts));
  }
  return row;
}

}  // namespace sluice::ctl
