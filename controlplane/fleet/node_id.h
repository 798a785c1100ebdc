// What a node says of itself when it connects, and what it may. Pure.
#pragma once

#include <string>
#include <string_view>

#include "common/base/error.h"
#include "controlplane/snapshot/object_table.h"

namespace sluice::controlplane {

struct NodeIdentity {
  std::string id;
  Labels labels;
  std::string version;  // Of the node's program; for people.
};

// 1-253 printable ASCII characters without spaces.
Result<void> CheckNodeId(std::string_view id);
// At most 64 labels; keys to 317 and values to 63 characters, as Kubernetes has them.
Result<void> CheckNodeLabels(const Labels& labels);

}  // namespace sluice::controlplane
