#include "common/http/listen.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "common/base/bind_probe.h"
#include "common/base/check.h"

namespace sluice::http {
namespace {

tl::unexpected<Error> CannotListen(const std::string& what, const SocketAddress& address,
                                   int error) {
  const ErrorCode code =
      error == EADDRINUSE ? ErrorCode::kConflict : ErrorCode::kFailedPrecondition;
  return Fail(code, fmt::format("{} '{}' cannot be used: {}", what, address.Text(),
                                BindProblemText(error)));
}

}  // namespace

Result<Listening> Listen(const std::string& what, const SocketAddress& address, int backlog) {
  if (address.is_unix()) {
    const int problem = BindProblem(SocketKind::kStream, address);
    if (problem != 0) return CannotListen(what, address, problem);
  }
  UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return CannotListen(what, address, errno);
  if (!address.is_unix()) {
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  }
  sockaddr_storage storage;
  socklen_t length = address.ToSockaddr(storage);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), length) != 0 ||
      ::listen(fd.get(), backlog) != 0) {
    return CannotListen(what, address, errno);
  }
  if (address.is_unix()) return Listening{std::move(fd), address};
  length = sizeof(storage);
  SLUICE_CHECK(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&storage), &length) == 0);
  return Listening{std::move(fd),
                   SocketAddress::FromSockaddr(reinterpret_cast<sockaddr*>(&storage), length)};
}

}  // namespace sluice::http
