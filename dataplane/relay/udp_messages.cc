#include "dataplane/relay/udp_messages.h"

namespace sluice::dataplane {
namespace {

// The largest UDP payload there is (65,527, of IPv6), and what is received as one by UDP_GRO.
constexpr std::size_t kBufferBytes = 64 * 1024;
static_assert(kBufferBytes > limits::kUdpDatagramBytes);
// Buffers do not start at the same offset of a page, or all of them would compete for the same few
// lines of the processor's cache.
constexpr std::size_t kStride = kBufferBytes + 5 * 64;

}  // namespace

UdpMessages::UdpMessages()
    : bytes_(std::make_unique_for_overwrite<char[]>(kStride * limits::kUdpBatch)) {
  for (std::size_t i = 0; i < limits::kUdpBatch; ++i) {
    slots_[i].buffer = {bytes_.get() + i * kStride, kBufferBytes};
    headers_[i].msg_hdr.msg_iov = &slots_[i].buffer;
    headers_[i].msg_hdr.msg_iovlen = 1;
    headers_[i].msg_hdr.msg_control = slots_[i].control.data();
  }
}

void UdpMessages::PrepareToReceive(std::size_t first, std::size_t count, bool with_peer) {
  for (std::size_t i = first; i < first + count; ++i) {
    msghdr& message = headers_[i].msg_hdr;
    message.msg_name = with_peer ? &slots_[i].peer : nullptr;
    message.msg_namelen = with_peer ? sizeof(sockaddr_in6) : 0;
    message.msg_controllen = kUdpControlBytes;
    slots_[i].buffer.iov_len = kBufferBytes;
  }
}

void UdpMessages::PrepareToSend(std::size_t i, socklen_t peer_length) {
  msghdr& message = headers_[i].msg_hdr;
  message.msg_name = &slots_[i].peer;
  message.msg_namelen = peer_length;
  message.msg_controllen = 0;
  slots_[i].buffer.iov_len = headers_[i].msg_len;
}

}  // namespace sluice::dataplane
