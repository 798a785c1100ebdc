#include "common/base/bind_probe.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "common/base/unique_fd.h"

namespace sluice {
namespace {

int UnixProblem(int type, const sockaddr_storage& storage, socklen_t length) {
  const char* path = reinterpret_cast<const sockaddr_un*>(&storage)->sun_path;
  struct stat status;
  if (::lstat(path, &status) != 0) return errno == ENOENT ? 0 : errno;
  if (!S_ISSOCK(status.st_mode)) return ENOTSOCK;
  const UniqueFd probe(::socket(AF_UNIX, type, 0));
  if (!probe) return errno;
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&storage), length) == 0) {
    return EADDRINUSE;
  }
  if (errno == EACCES) return EACCES;
  if (errno != ECONNREFUSED) return EADDRINUSE;
  return ::unlink(path) != 0 && errno != ENOENT ? errno : 0;
}

int IpProblem(int type, bool stream, const SocketAddress& address, const sockaddr_storage& storage,
              socklen_t length) {
  const UniqueFd probe(::socket(address.family(), type, 0));
  if (!probe) return errno;
  const int on = 1;
  if (address.family() == AF_INET6 &&
      ::setsockopt(probe.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0) {
    return errno;
  }
  if (stream) ::setsockopt(probe.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (::bind(probe.get(), reinterpret_cast<const sockaddr*>(&storage), length) != 0) return errno;
  return stream && ::listen(probe.get(), 1) != 0 ? errno : 0;
}

}  // namespace

int BindProblem(SocketKind kind, const SocketAddress& address) {
  const bool stream = kind == SocketKind::kStream;
  const int type = (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
  sockaddr_storage storage;
  const socklen_t length = address.ToSockaddr(storage);
  return address.is_unix() ? UnixProblem(type, storage, length)
                           : IpProblem(type, stream, address, storage, length);
}

std::string BindProblemText(int problem) {
  if (problem == ENOTSOCK) return "it is a file that is not a socket, and is left alone";
  return std::generic_category().message(problem);
}

}  // namespace sluice
