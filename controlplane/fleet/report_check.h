// Is a node's report within its bounds, and its text fit to be shown? Pure.
#pragma once

#include "common/base/error.h"
#include "sluice/v1/node_status.pb.h"

namespace sluice::controlplane {

// kInvalidArgument, naming the field.
Result<void> CheckReport(const v1::NodeReport& report);

// With every text of the node's as BoundedText() gives it.
v1::NodeReport WithBoundedText(v1::NodeReport report);

}  // namespace sluice::controlplane
