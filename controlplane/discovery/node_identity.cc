#include "controlplane/discovery/node_identity.h"

#include <fmt/format.h>
#include <google/protobuf/struct.pb.h>

#include "common/base/bounded_text.h"
#include "common/base/limits.h"

namespace sluice::controlplane {
namespace {

Result<Labels> ParseLabels(const google::protobuf::Struct& metadata) {
  const auto found = metadata.fields().find("labels");
  if (found == metadata.fields().end()) return Labels{};
  if (!found->second.has_struct_value()) {
    return Fail(ErrorCode::kInvalidArgument,
                "`node.metadata.labels` must be a Struct whose values are strings");
  }
  Labels labels;
  for (const auto& [key, value] : found->second.struct_value().fields()) {
    if (value.kind_case() != google::protobuf::Value::kStringValue) {
      return Fail(ErrorCode::kInvalidArgument,
                  "`node.metadata.labels` must be a Struct whose values are strings");
    }
    labels.emplace(key, value.string_value());
  }
  if (auto checked = CheckNodeLabels(labels); !checked) return tl::unexpected(checked.error());
  return labels;
}

}  // namespace

Result<NodeIdentity> ParseNode(const envoy::config::core::v3::Node& node) {
  if (node.id().empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "`node.id` must be set in the first request of a stream");
  }
  if (auto checked = CheckNodeId(node.id()); !checked) return tl::unexpected(checked.error());
  auto labels = ParseLabels(node.metadata());
  if (!labels) return tl::unexpected(labels.error());
  return NodeIdentity{node.id(), std::move(*labels),
                      BoundedText(node.user_agent_version(), limits::kNameLength)};
}

Result<void> CheckSameNode(const NodeIdentity& identity, std::string_view id) {
  if (id == identity.id) return {};
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("`node.id` must not change on a stream: it was '{}' and is now '{}'",
                          identity.id, BoundedText(id, limits::kNodeIdLength)));
}

}  // namespace sluice::controlplane
