// Opening a connection to an endpoint, and whose fault it is when that fails. No session, no
// waiting.
#pragma once

#include "common/base/address.h"
#include "common/base/unique_fd.h"
#include "dataplane/config/runtime_config.h"

namespace sluice::dataplane {

struct ConnectStart {
  UniqueFd socket;         // Empty: failed at once.
  bool connected = false;  // Already (unix sockets); otherwise EPOLLOUT will say so.
  int error = 0;
};
ConnectStart BeginConnect(const SocketAddress& endpoint, const SocketSettings& settings);

// What a non-blocking connect has come to, after its socket raised an event. 0: connected.
int ConnectError(int socket);

enum class ConnectFault {
  kEndpoint,     // Counts against the endpoint; another may do.
  kDestination,  // We have no port left towards this address; another may do.
  kOurs,         // We are out of descriptors or memory: no other endpoint would do.
};
ConnectFault FaultOf(int error);

}  // namespace sluice::dataplane
