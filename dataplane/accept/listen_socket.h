// What listeners listen on, and binding it. Control thread only; never blocks.
#pragma once

#include <string>

#include "common/base/address.h"
#include "common/base/unique_fd.h"
#include "dataplane/config/runtime_config.h"

namespace sluice::dataplane {

// Closed with the last who holds it: the control thread's table and the workers.
struct ListenSocket {
  Protocol protocol = Protocol::kTcp;
  SocketAddress address;
  UniqueFd fd;
};

// Why an address cannot be listened on.
struct BindFailure {
  std::string reason;   // AddressInUse, AddressNotAvailable, PermissionDenied, …
  std::string message;  // For people, with the address.
};
template <typename T>
using BindResult = tl::expected<T, BindFailure>;

// Is the address free? One of its sockets alone would not notice another process that shares its
// port by SO_REUSEPORT: the kernel would hand half of the connections to each.
// Not to be asked when a socket of our own has the port (a wildcard beside a specific address).
BindResult<void> ProveFree(Protocol protocol, const SocketAddress& address);

// Binds and listens. Sockets of other workers on the same address do not stand in the way.
BindResult<UniqueFd> OpenListenSocket(Protocol protocol, const SocketAddress& address,
                                      const SocketSettings& settings);

// Changes the settings of a socket that is in use, whose queue is kept.
void ChangeSettings(int fd, Protocol protocol, const SocketAddress& address,
                    const SocketSettings& settings);

}  // namespace sluice::dataplane
