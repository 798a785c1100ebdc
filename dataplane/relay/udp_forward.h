// A client's datagrams on their way to an endpoint, straight from the buffers they were received
// in. Thread-safe for different sockets. Knows nothing of sessions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "common/base/limits.h"
#include "dataplane/relay/udp_send.h"

namespace sluice::dataplane {

// One or, with a segment size, several datagrams of one client, as the kernel handed them over.
struct UdpRun {
  char* data = nullptr;
  std::size_t size = 0;
  std::uint16_t segment = 0;  // 0: a single datagram.
  std::uint32_t datagrams = 1;
};

// Sends to the peer that `fd` is connected to; see SendUdp(). At most limits::kUdpBatch runs.
std::size_t ForwardUdp(int fd, std::span<const UdpRun> runs, std::span<UdpSendOutcome> outcomes);

}  // namespace sluice::dataplane
