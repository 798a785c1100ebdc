#include "dataplane/relay/socket_options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
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

void SetKeepalive(int fd, const SocketSettings& settings) {
  SetSocketOption(fd, SOL_SOCKET, SO_KEEPALIVE, settings.keepalive ? 1 : 0);
  if (!settings.keepalive) return;
  SetSocketOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, settings.keepalive->idle_s);
  SetSocketOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, settings.keepalive->interval_s);
  SetSocketOption(fd, IPPROTO_TCP, TCP_KEEPCNT, settings.keepalive->count);
}

}  // namespace sluice::dataplane
