// Options of sockets, as Listener.spec.socket has them: a session works without any of them, so
// what the kernel refuses leaves its default. And what sockets can be asked.
#pragma once

#include <cstdint>

#include "dataplane/config/runtime_config.h"

namespace sluice::dataplane {

bool SetSocketOption(int fd, int level, int option, int value);

// `option` is SO_RCVBUF or SO_SNDBUF. Beyond net.core.rmem_max and wmem_max where the process has
// CAP_NET_ADMIN.
void SetSocketBuffer(int fd, int option, int bytes);

// TCP only: bytes that were written and that the peer's kernel has not acknowledged. 0 for unix
// sockets, whose bytes are with the peer as soon as they are written.
std::uint64_t Unacknowledged(int fd);

// Nothing goes either way any more: reset, or closed by both.
bool IsDisconnected(int fd);

// TCP only. Nothing set switches keepalive off.
void SetKeepalive(int fd, const SocketSettings& settings);

}  // namespace sluice::dataplane
