#include "common/base/listening.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "common/base/bind_probe.h"
#include "common/base/check.h"

namespace sluice {

tl::expected<Listening, int> Listen(const SocketAddress& address, int backlog) {
  if (address.is_unix()) {
    const int problem = BindProblem(SocketKind::kStream, address);
    if (problem != 0) return tl::unexpected(problem);
  }
  UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return tl::unexpected(errno);
  if (!address.is_unix()) {
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  }
  sockaddr_storage storage;
  socklen_t length = address.ToSockaddr(storage);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), length) != 0 ||
      ::listen(fd.get(), backlog) != 0) {
    return tl::unexpected(errno);
  }
  if (address.is_unix()) return Listening{std::move(fd), address};
  length = sizeof(storage);
  SLUICE_CHECK(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&storage), &length) == 0);
  return Listening{std::move(fd),
                   SocketAddress::FromSockaddr(reinterpret_cast<sockaddr*>(&storage), length)};
}

}  // namespace sluice
