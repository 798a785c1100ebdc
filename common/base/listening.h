// A listening stream socket for a server of ours. Thread-safe.
#pragma once

#include "common/base/address.h"
#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace sluice {

struct Listening {
  UniqueFd fd;            // Does not block.
  SocketAddress address;  // With the port that was taken where 0 was asked for.
};

// The socket file of a process that died is replaced; one that is served, and any other file, is
// left alone. The error is a number for BindProblemText.
tl::expected<Listening, int> Listen(const SocketAddress& address, int backlog);

}  // namespace sluice
