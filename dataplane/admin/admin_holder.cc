#include "dataplane/admin/admin_holder.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include "common/base/unique_fd.h"
#include "dataplane/admin/admin_pages.h"

namespace sluice::dataplane {
namespace {

// Bounds connecting and each read and write.
constexpr timeval kPatience{.tv_sec = 0, .tv_usec = 500'000};
constexpr int kReads = 4;

std::string Ask(int fd) {
  constexpr std::string_view kRequest = "GET /readyz HTTP/1.0\r\n\r\n";
  std::string answer;
  if (::send(fd, kRequest.data(), kRequest.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(kRequest.size())) {
    return answer;
  }
  std::array<char, 1024> bytes;
  for (int i = 0; i < kReads; ++i) {
    const ssize_t got = ::recv(fd, bytes.data(), bytes.size(), 0);
    if (got <= 0) break;
    answer.append(bytes.data(), static_cast<std::size_t>(got));
  }
  return answer;
}

}  // namespace

AdminHolder FindAdminHolder(const SocketAddress& address) {
  const UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return AdminHolder::kOther;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof(kPatience));
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
  sockaddr_storage storage;
  const socklen_t length = address.ToSockaddr(storage);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&storage), length) != 0) {
    return errno == ECONNREFUSED || errno == ENOENT ? AdminHolder::kNobody : AdminHolder::kOther;
  }
  const std::string answer = Ask(fd.get());
  if (answer.empty()) return AdminHolder::kNobody;  // Closed in the middle of it.
  if (!answer.starts_with("HTTP/1.")) return AdminHolder::kOther;
  return answer.find(kShuttingDown) == std::string::npos ? AdminHolder::kWebServer
                                                         : AdminHolder::kLeaving;
}

}  // namespace sluice::dataplane
