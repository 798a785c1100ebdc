// Accepting TCP and unix-domain connections on one socket of one worker: in bounded batches, so
// that a flood of connections starves nobody. Worker thread only.
#pragma once

#include <memory>

#include "dataplane/accept/listen_socket.h"
#include "dataplane/accept/served_socket.h"

namespace sluice::dataplane {

class WorkerContext;

std::unique_ptr<ServedSocket> MakeTcpAcceptor(WorkerContext& worker,
                                              std::shared_ptr<ListenSocket> socket);

}  // namespace sluice::dataplane
