// Socket options of UDP sockets, beyond what accept/listen_socket.h sets for the control thread.
// None is needed for datagrams to flow: a kernel that refuses one is not asked again. Thread-safe.
#pragma once

#include <cstdint>

#include "common/base/address.h"
#include "dataplane/config/runtime_config.h"

namespace sluice::dataplane {

// GRO, drop counts, and packet info where the address is a wildcard.
void ConfigureUdpListenSocket(int fd, const SocketAddress& address);
// Buffers and GRO.
void ConfigureUdpEndpointSocket(int fd, const SocketSettings& settings);

// Datagrams the kernel has dropped on this socket so far, as SO_RXQ_OVFL counts them.
std::uint32_t UdpKernelDrops(int fd);

// Whether the kernel throws away what arrives, and what has arrived, instead of queueing it.
void DiscardArrivals(int fd, bool discard);

}  // namespace sluice::dataplane
