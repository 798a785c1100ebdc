// Who opens a discovery stream: the node of its first request, checked. Pure.
#pragma once

#include <string_view>

#include "common/base/error.h"
#include "controlplane/fleet/node_id.h"
#include "envoy/config/core/v3/base.pb.h"

namespace sluice::controlplane {

// kInvalidArgument: no id, an id that is too long or not printable, labels that are not strings.
Result<NodeIdentity> ParseNode(const envoy::config::core::v3::Node& node);

// A node may be left out of every request but the first; given again, it has to be the same one.
Result<void> CheckSameNode(const NodeIdentity& identity, std::string_view id);

}  // namespace sluice::controlplane
