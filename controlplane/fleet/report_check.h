// Is a node's report within its bounds? Pure.
#pragma once

#include "common/base/error.h"
#include "sluice/v1/node_status.pb.h"

namespace sluice::controlplane {

// kInvalidArgument, naming the field.
Result<void> CheckReport(const v1::NodeReport& report);

}  // namespace sluice::controlplane
