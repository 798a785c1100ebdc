// One TCP connection from accept to log. Start reading at StartTcpSession() in tcp_session.cc.
// Worker thread only.
#pragma once

#include <memory>

#include "common/base/address.h"
#include "common/base/unique_fd.h"
#include "dataplane/config/worker_listener.h"

namespace sluice::dataplane {

class WorkerContext;

// Serves the accepted, non-blocking connection until it ends, for which it needs nobody.
void StartTcpSession(WorkerContext& worker, const std::shared_ptr<WorkerListener>& listener,
                     UniqueFd client, const SocketAddress& peer);

}  // namespace sluice::dataplane
