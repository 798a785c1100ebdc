// Clients' datagrams on one socket of one worker: received in batches, mapped to flows, and handed
// to each flow together, in their order. Worker thread only.
#pragma once

#include <memory>

#include "dataplane/accept/served_socket.h"

namespace sluice::dataplane {

class Worker;

std::unique_ptr<ServedSocket> MakeUdpReceiver(Worker& worker, std::shared_ptr<ListenSocket> socket);

}  // namespace sluice::dataplane
