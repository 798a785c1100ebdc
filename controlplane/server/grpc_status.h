// Refusals as gRPC answers: the canonical code, the sentence, and the violations in the
// grpc-status-details-bin trailer. Pure.
#pragma once

#include <grpcpp/support/status.h>

#include <cstddef>

#include "controlplane/api/refusal.h"

namespace sluice::controlplane {

grpc::StatusCode GrpcCode(ErrorCode code);

// As many violations as fit into `detail_bytes`.
grpc::Status GrpcStatus(const Refusal& refusal, std::size_t detail_bytes);

}  // namespace sluice::controlplane
