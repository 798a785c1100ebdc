// One NodeStatusService stream on gRPC: each report goes to the fleet and is acknowledged before
// the next one is read. Keeps itself alive until gRPC is done with it. Thread-safe.
#pragma once

#include <grpcpp/grpcpp.h>

#include "controlplane/api/caller.h"
#include "controlplane/fleet/fleet.h"
#include "controlplane/server/stream_registry.h"
#include "sluice/v1/node_status.pb.h"

namespace sluice::controlplane {

// Both must outlive the stream.
grpc::ServerBidiReactor<v1::NodeReport, v1::NodeReportAck>* StartReportStream(
    Caller caller, Fleet& fleet, StreamRegistry& registry);

}  // namespace sluice::controlplane
