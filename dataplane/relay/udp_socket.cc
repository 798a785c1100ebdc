#include "dataplane/relay/udp_socket.h"

#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <array>

#include "common/base/limits.h"

namespace sluice::dataplane {
namespace {

bool Set(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

}  // namespace

void ConfigureUdpListenSocket(int fd, const SocketAddress& address) {
  Set(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
  Set(fd, SOL_UDP, UDP_GRO, 1);
  if (!address.is_wildcard()) return;
  if (address.family() == AF_INET6) {
    Set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  } else {
    Set(fd, IPPROTO_IP, IP_PKTINFO, 1);
  }
}

void ConfigureUdpEndpointSocket(int fd, const SocketSettings& settings) {
  constexpr int kDefault = limits::kUdpSocketBufferBytes;
  const int receive = settings.receive_buffer.value_or(kDefault);
  // The forced forms go beyond net.core.rmem_max and wmem_max and need CAP_NET_ADMIN.
  if (!Set(fd, SOL_SOCKET, SO_RCVBUFFORCE, receive)) Set(fd, SOL_SOCKET, SO_RCVBUF, receive);
  if (settings.send_buffer && !Set(fd, SOL_SOCKET, SO_SNDBUFFORCE, *settings.send_buffer)) {
    Set(fd, SOL_SOCKET, SO_SNDBUF, *settings.send_buffer);
  }
  Set(fd, SOL_UDP, UDP_GRO, 1);
}

std::uint32_t UdpKernelDrops(int fd) {
  std::array<std::uint32_t, SK_MEMINFO_VARS> values{};
  socklen_t length = sizeof(values);
  if (::getsockopt(fd, SOL_SOCKET, SO_MEMINFO, values.data(), &length) != 0) return 0;
  return values[SK_MEMINFO_DROPS];
}

void DiscardArrivals(int fd, bool discard) {
  if (!discard) {
    Set(fd, SOL_SOCKET, SO_DETACH_FILTER, 0);
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
