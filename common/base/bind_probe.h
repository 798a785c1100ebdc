// Whether an address can be listened on, found out before it is: binding says too little (gRPC),
// too late (a swap), or destroys what is in use (the file of a unix socket). Thread-safe.
#pragma once

#include <string>

#include "common/base/address.h"

namespace sluice {

enum class SocketKind { kStream, kDatagram };

// 0: it can be listened on just now. Otherwise an errno: EADDRINUSE when somebody listens there,
// ENOTSOCK when the path is a file that is no socket, and what socket, bind and listen say. The
// file of a unix socket that nobody listens on any more is removed; every other file is left alone.
// Connections of an earlier process that are in TIME_WAIT are no reason to refuse.
int BindProblem(SocketKind kind, const SocketAddress& address);

// What such a number, or an errno of bind and listen, says to a person.
std::string BindProblemText(int problem);

}  // namespace sluice
