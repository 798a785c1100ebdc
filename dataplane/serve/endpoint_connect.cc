#include "dataplane/serve/endpoint_connect.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "dataplane/loop/descriptor_limit.h"
#include "dataplane/relay/socket_options.h"

namespace sluice::dataplane {
ConnectStart BeginConnect(const SocketAddress& endpoint, const SocketSettings& settings) {
  ConnectStart start;
  start.socket.reset(::socket(endpoint.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!start.socket) {
    start.error = errno;
    return start;
  }
  if (IsReservedDescriptor(start.socket.get())) {
    start.socket.reset();
    start.error = EMFILE;
    return start;
  }
  const int fd = start.socket.get();
  if (!endpoint.is_unix()) {
    SetSocketOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (settings.keepalive) SetKeepalive(fd, settings);
  }
  sockaddr_storage storage;
  const socklen_t length = endpoint.ToSockaddr(storage);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&storage), length) == 0) {
    start.connected = true;
  } else if (errno != EINPROGRESS) {
    start.error = errno;
    start.socket.reset();
  }
  return start;
}

int ConnectError(int socket) {
  int error = 0;
  socklen_t length = sizeof(error);
  return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

ConnectFault FaultOf(int error) {
  switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return ConnectFault::kOurs;
    case EADDRNOTAVAIL:
    case EADDRINUSE:
      return ConnectFault::kDestination;
    default:
      return ConnectFault::kEndpoint;
  }
}

}  // namespace sluice::dataplane
