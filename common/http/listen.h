// The listening socket of a server. Thread-safe.
#pragma once

#include <string>

#include "common/base/address.h"
#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace sluice::http {

struct Listening {
  UniqueFd fd;            // Does not block.
  SocketAddress address;  // With the port that was taken where 0 was asked for.
};

// The socket file of a process that died is replaced; one that is served, and any other file, is
// left alone. The error begins with `what` and names the address; kConflict: another process has
// it.
Result<Listening> Listen(const std::string& what, const SocketAddress& address, int backlog);

}  // namespace sluice::http
