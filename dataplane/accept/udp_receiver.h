// Clients' datagrams on one socket of one worker: received in batches and handed to their flows.
// Worker thread only.
#pragma once

#include <functional>
#include <memory>

#include "dataplane/accept/listen_socket.h"
#include "dataplane/accept/served_socket.h"

namespace sluice::dataplane {

class WorkerContext;

// `drained` is called when StopServing() was false and the last flow has ended.
std::unique_ptr<ServedSocket> MakeUdpReceiver(WorkerContext& worker,
                                              std::shared_ptr<ListenSocket> socket,
                                              std::function<void()> drained);

}  // namespace sluice::dataplane
