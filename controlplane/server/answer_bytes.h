// Answers as bytes on the wire. Resources go out as they are in the snapshot, shared by all
// streams; only the few bytes around them are a stream's own. Pure; thread-safe.
#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <string>

#include "controlplane/discovery/discovery_response.h"

namespace sluice::controlplane {

// An envoy DeltaDiscoveryResponse. `control_plane` names this replica.
grpc::ByteBuffer EncodeDelta(const DiscoveryAnswer& answer, const std::string& control_plane);

}  // namespace sluice::controlplane
