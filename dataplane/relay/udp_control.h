// Control messages of UDP sockets: what the kernel says about a received datagram, and what it is
// told about one to send. Pure: bytes in, bytes out.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "dataplane/session/udp_flow_key.h"

namespace sluice::dataplane {

// Room for all that is asked for: segment size, packet info (IPv6's is the larger), drop count.
inline constexpr std::size_t kUdpControlBytes =
    CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(std::uint32_t));

struct UdpControl {
  // Several datagrams of this size (the last may be smaller) came as one; 0: a single datagram.
  std::uint16_t segment = 0;
  // Where the client sent it to; only of sockets that ask for packet info.
  std::optional<std::array<unsigned char, 16>> local;
  // Datagrams the kernel has dropped since the socket was opened; absent while none.
  std::optional<std::uint32_t> kernel_drops;
};
UdpControl ParseUdpControl(msghdr& message);

// Append to the message's control data, which has room for kUdpControlBytes: the local address to
// send from, and the size at which the kernel cuts the bytes into datagrams.
void AppendUdpSource(msghdr& message, const UdpFlowKey& key);
void AppendUdpSegment(msghdr& message, std::uint16_t segment);
// Takes off what AppendUdpSegment() appended last.
void RemoveUdpSegment(msghdr& message);

// How many datagrams `size` bytes are.
inline std::uint32_t UdpDatagrams(std::size_t size, std::uint16_t segment) {
  if (segment == 0 || size <= segment) return 1;
  return static_cast<std::uint32_t>((size + segment - 1) / segment);
}

}  // namespace sluice::dataplane
