// Options of sockets, as Listener.spec.socket has them. A session works without any of them, so
// what the kernel refuses leaves its default.
#pragma once

#include "dataplane/config/runtime_config.h"

namespace sluice::dataplane {

bool SetSocketOption(int fd, int level, int option, int value);

// `option` is SO_RCVBUF or SO_SNDBUF. Beyond net.core.rmem_max and wmem_max where the process has
// CAP_NET_ADMIN.
void SetSocketBuffer(int fd, int option, int bytes);

// TCP only. Nothing set switches keepalive off.
void SetKeepalive(int fd, const SocketSettings& settings);

}  // namespace sluice::dataplane
