// Sending many messages in few system calls, without ever blocking. What the kernel does not take
// is dropped, as any hop on a datagram's way may do, and reported. Thread-safe for different
// sockets.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::dataplane {

struct UdpSendOutcome {
  int error = 0;                // errno of what was not sent.
  std::uint32_t datagrams = 0;  // Sent.
};

// Sends `messages` in order; outcomes[i] is what became of message i. segments[i] is what
// AppendUdpSegment() put on it last, 0 for a single datagram. Single datagrams of one size that go
// the same way are handed to the kernel as one, for which their control data needs room for a
// segment size. Where the kernel or the device refuses to cut a message up, its datagrams are sent
// one by one. At most limits::kUdpBatch messages. Stops when the socket is
// connected and its peer has refused an earlier datagram. Returns how many messages were dealt
// with, that one included.
std::size_t SendUdp(int fd, std::span<mmsghdr> messages, std::span<const std::uint16_t> segments,
                    std::span<UdpSendOutcome> outcomes);

// The error of a connected socket whose peer does not take datagrams (ICMP unreachable).
bool IsUdpRefusal(int error);

}  // namespace sluice::dataplane
