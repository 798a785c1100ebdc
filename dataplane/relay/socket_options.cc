#include "dataplane/relay/socket_options.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace sluice::dataplane {

bool SetSocketOption(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

void SetSocketBuffer(int fd, int option, int bytes) {
  const int forced = option == SO_RCVBUF ? SO_RCVBUFFORCE : SO_SNDBUFFORCE;
  if (!SetSocketOption(fd, SOL_SOCKET, forced, bytes)) {
    SetSocketOption(fd, SOL_SOCKET, option, bytes);
  }
}

std::uint64_t Unacknowledged(int fd) {
  int protocol = 0;
  socklen_t length = sizeof(protocol);
  if (::getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &length) != 0) return 0;
  int bytes = 0;
  if (protocol != IPPROTO_TCP || ::ioctl(fd, SIOCOUTQ, &bytes) != 0 || bytes < 0) return 0;
  return static_cast<std::uint64_t>(bytes);
}

bool IsDisconnected(int fd) {
  pollfd socket{fd, 0, 0};
  return ::poll(&socket, 1, 0) == 1 && (socket.revents & (POLLHUP | POLLERR)) != 0;
}

void SetKeepalive(int fd, const SocketSettings& settings) {
  SetSocketOption(fd, SOL_SOCKET, SO_KEEPALIVE, settings.keepalive ? 1 : 0);
  if (!settings.keepalive) return;
  SetSocketOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, settings.keepalive->idle_s);
  SetSocketOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, settings.keepalive->interval_s);
  SetSocketOption(fd, IPPROTO_TCP, TCP_KEEPCNT, settings.keepalive->count);
}

}  // namespace sluice::dataplane
