// Who is at the other end of a gRPC call.
#pragma once

#include <grpcpp/server_context.h>

#include "controlplane/api/caller.h"

namespace sluice::controlplane {

inline Caller CallerOf(const grpc::ServerContextBase& context) { return {context.peer()}; }

}  // namespace sluice::controlplane
