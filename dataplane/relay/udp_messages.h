// A row of messages for recvmmsg and sendmmsg, each with a buffer that takes any datagram. The same
// row receives and then sends: nothing is copied. Pages that are never written cost no memory.
// Worker thread only.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>

#include "common/base/limits.h"
#include "dataplane/relay/udp_control.h"

namespace sluice::dataplane {

class UdpMessages {
 public:
  UdpMessages();

  // Messages from `first` on are ready to receive; with the peer's address if it is wanted.
  void PrepareToReceive(std::size_t first, std::size_t count, bool with_peer);

  std::span<mmsghdr> headers() { return headers_; }
  msghdr& header(std::size_t i) { return headers_[i].msg_hdr; }
  sockaddr_in6& peer(std::size_t i) { return slots_[i].peer; }
  // What message i holds after it was received.
  std::span<char> bytes(std::size_t i) {
    return {static_cast<char*>(slots_[i].buffer.iov_base), headers_[i].msg_len};
  }
  // Message i is to be sent with the bytes it received, to its peer, without control data.
  void PrepareToSend(std::size_t i, socklen_t peer_length);

 private:
  struct Slot {
    iovec buffer;
    sockaddr_in6 peer;
    alignas(cmsghdr) std::array<char, kUdpControlBytes> control;
  };

  std::array<mmsghdr, limits::kUdpBatch> headers_{};
  std::array<Slot, limits::kUdpBatch> slots_;
  std::unique_ptr<char[]> bytes_;
};

}  // namespace sluice::dataplane
