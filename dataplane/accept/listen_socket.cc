#include "dataplane/accept/listen_socket.h"

#include <fmt/format.h>
#include <linux/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "common/base/bind_probe.h"
#include "common/base/limits.h"
#include "dataplane/relay/socket_options.h"

namespace sluice::dataplane {
namespace {

tl::unexpected<BindFailure> Failed(const SocketAddress& address, int error) {
  const std::string text = address.Text();
  const char* said = std::strerror(error);
  switch (error) {
    case EADDRINUSE:
      return tl::make_unexpected(
          BindFailure{"AddressInUse", fmt::format("{} is taken by another process", text)});
    case ENOTSOCK:
      return tl::make_unexpected(
          BindFailure{"AddressInUse",
                      fmt::format("{} is a file that is not a socket; it is left alone", text)});
    case EADDRNOTAVAIL:
      return tl::make_unexpected(BindFailure{
          "AddressNotAvailable", fmt::format("{} is not an address of this machine", text)});
    case EAFNOSUPPORT:
      return tl::make_unexpected(BindFailure{
          "AddressNotAvailable",
          fmt::format("{} is of an address family that this machine has switched off", text)});
    case EACCES:
    case EPERM:
    case EROFS:
      return tl::make_unexpected(BindFailure{
          "PermissionDenied",
          fmt::format("{} may not be bound by this process: {}{}", text, said,
                      address.is_unix() ? "" : " (ports below 1024 need CAP_NET_BIND_SERVICE)")});
    case ENOENT:
    case ENOTDIR:
      return tl::make_unexpected(BindFailure{
          "AddressNotAvailable", fmt::format("{}: the folder of the socket is missing", text)});
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return tl::make_unexpected(
          BindFailure{"ResourcesExhausted", fmt::format("{} cannot be bound: {}", text, said)});
    default:
      return tl::make_unexpected(
          BindFailure{"BindFailed", fmt::format("{} cannot be bound: {}", text, said)});
  }
}

int TypeOf(Protocol protocol) {
  return (protocol == Protocol::kTcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
}

bool Bind(int fd, const SocketAddress& address) {
  sockaddr_storage storage;
  const socklen_t length = address.ToSockaddr(storage);
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&storage), length) == 0;
}

bool SetIpFamilyOptions(int fd, const SocketAddress& address) {
  return address.family() != AF_INET6 || SetSocketOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
}

// Lets the kernel tune a buffer again whose size was set before.
void TakeBackBuffer(int fd, Protocol protocol, const SocketAddress& address, int option) {
  const int lock = option == SO_RCVBUF ? SOCK_RCVBUF_LOCK : SOCK_SNDBUF_LOCK;
  int locked = 0;
  socklen_t length = sizeof(locked);
  if (::getsockopt(fd, SOL_SOCKET, SO_BUF_LOCK, &locked, &length) != 0) return;
  if ((locked & lock) == 0) return;
  const UniqueFd fresh(::socket(address.family(), TypeOf(protocol), 0));
  int bytes = 0;
  length = sizeof(bytes);
  if (!fresh || ::getsockopt(fresh.get(), SOL_SOCKET, option, &bytes, &length) != 0) return;
  SetSocketBuffer(fd, option, bytes / 2);  // The kernel reports twice what is set.
  SetSocketOption(fd, SOL_SOCKET, SO_BUF_LOCK, locked & ~lock);
}

}  // namespace

BindResult<void> ProveFree(Protocol protocol, const SocketAddress& address) {
  const int error = BindProblem(
      protocol == Protocol::kTcp ? SocketKind::kStream : SocketKind::kDatagram, address);
  if (error != 0) return Failed(address, error);
  return {};
}

BindResult<UniqueFd> OpenListenSocket(Protocol protocol, const SocketAddress& address,
                                      const SocketSettings& settings) {
  UniqueFd socket(::socket(address.family(), TypeOf(protocol), 0));
  if (!socket || !SetIpFamilyOptions(socket.get(), address)) return Failed(address, errno);
  if (!address.is_unix()) {
    if (protocol == Protocol::kTcp) SetSocketOption(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (!SetSocketOption(socket.get(), SOL_SOCKET, SO_REUSEPORT, 1)) return Failed(address, errno);
  }
  if (!Bind(socket.get(), address)) return Failed(address, errno);
  ChangeSettings(socket.get(), protocol, address, settings);
  if (protocol == Protocol::kTcp && ::listen(socket.get(), settings.backlog) != 0) {
    return Failed(address, errno);
  }
  return socket;
}

// Accepted connections inherit all of these. A setting the kernel refuses leaves its default.
void ChangeSettings(int fd, Protocol protocol, const SocketAddress& address,
                    const SocketSettings& settings) {
  const bool udp = protocol == Protocol::kUdp;
  const auto udp_default = static_cast<int>(limits::kUdpSocketBufferBytes);
  if (settings.receive_buffer || udp) {
    SetSocketBuffer(fd, SO_RCVBUF, settings.receive_buffer.value_or(udp_default));
  } else {
    TakeBackBuffer(fd, protocol, address, SO_RCVBUF);
  }
  if (settings.send_buffer) {
    SetSocketBuffer(fd, SO_SNDBUF, *settings.send_buffer);
  } else {
    TakeBackBuffer(fd, protocol, address, SO_SNDBUF);
  }
  if (udp || address.is_unix()) return;
  SetSocketOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  SetKeepalive(fd, settings);
}

}  // namespace sluice::dataplane
