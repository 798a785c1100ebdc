#include "dataplane/relay/udp_socket.h"

#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <array>

#include "common/base/limits.h"
#include "dataplane/relay/socket_options.h"

namespace sluice::dataplane {
void ConfigureUdpListenSocket(int fd, const SocketAddress& address) {
  SetSocketOption(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
  SetSocketOption(fd, SOL_UDP, UDP_GRO, 1);
  if (!address.is_wildcard()) return;
  if (address.family() == AF_INET6) {
    SetSocketOption(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  } else {
    SetSocketOption(fd, IPPROTO_IP, IP_PKTINFO, 1);
  }
}

void ConfigureUdpEndpointSocket(int fd, const SocketSettings& settings) {
  constexpr int kDefault = limits::kUdpSocketBufferBytes;
  const int receive = settings.receive_buffer.value_or(kDefault);
  SetSocketBuffer(fd, SO_RCVBUF, receive);
  if (settings.send_buffer) SetSocketBuffer(fd, SO_SNDBUF, *settings.send_buffer);
  SetSocketOption(fd, SOL_UDP, UDP_GRO, 1);
}

std::uint32_t UdpKernelDrops(int fd) {
  std::array<std::uint32_t, SK_MEMINFO_VARS> values{};
  socklen_t length = sizeof(values);
  if (::getsockopt(fd, SOL_SOCKET, SO_MEMINFO, values.data(), &length) != 0) return 0;
  return values[SK_MEMINFO_DROPS];
}

void DiscardArrivals(int fd, bool discard) {
  if (!discard) {
    SetSocketOption(fd, SOL_SOCKET, SO_DETACH_FILTER, 0);
    return;
  }
  sock_filter accept_nothing = BPF_STMT(BPF_RET | BPF_K, 0);
  const sock_fprog program{1, &accept_nothing};
  ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
  char byte;
  while (::recv(fd, &byte, 1, MSG_DONTWAIT) >= 0) {
  }
}

}  // namespace sluice::dataplane
