#include "controlplane/server/guarded_reads.h"

#include <dlfcn.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <unordered_map>
#include <utility>

#include "common/base/check.h"
#include "common/base/mutex.h"

namespace sluice::controlplane {

struct GuardedReads::Connection {
  Connection(std::uint64_t socket, std::unique_ptr<FrameGuard> eyes,
             std::function<void(std::string_view)> tell)
      : cookie(socket), guard(std::move(eyes)), on_attack(std::move(tell)) {}

  const std::uint64_t cookie;
  std::atomic<bool> seen{false};
  std::atomic<bool> cut{false};
  Mutex mutex;
  // Null once it has said no, or nobody wants to know any more.
  std::unique_ptr<FrameGuard> guard ABSL_GUARDED_BY(mutex);
  const std::function<void(std::string_view)> on_attack;
};

namespace {

using Connection = GuardedReads::Connection;

// By descriptor. In parts, so that threads that read hardly meet.
class Table {
 public:
  void Put(int fd, std::shared_ptr<Connection> connection) {
    Part& part = PartOf(fd);
    const MutexLock lock(part.mutex);
    part.connections[fd] = std::move(connection);
  }
  void Take(int fd, const std::shared_ptr<Connection>& connection) {
    Part& part = PartOf(fd);
    const MutexLock lock(part.mutex);
    const auto found = part.connections.find(fd);
    if (found != part.connections.end() && found->second == connection) {
      part.connections.erase(found);
    }
  }
  std::shared_ptr<Connection> Find(int fd) {
    Part& part = PartOf(fd);
    const MutexLock lock(part.mutex);
    const auto found = part.connections.find(fd);
    return found == part.connections.end() ? nullptr : found->second;
  }

 private:
  struct Part {
    Mutex mutex;
    std::unordered_map<int, std::shared_ptr<Connection>> connections ABSL_GUARDED_BY(mutex);
  };
  Part& PartOf(int fd) { return parts_[static_cast<std::size_t>(fd) % parts_.size()]; }

  std::array<Part, 64> parts_;
};

// Never destroyed: gRPC's threads may read when static objects have gone.
Table& TheTable() {
  static Table& table = *new Table;
  return table;
}

// False: the connection ends here.
bool LookAt(Connection& connection, const msghdr& message, std::size_t size) {
  connection.seen.store(true, std::memory_order_relaxed);
  const MutexLock lock(connection.mutex);
  if (connection.guard == nullptr) return !connection.cut;
  const MonotonicTime now = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < message.msg_iovlen && size > 0; ++i) {
    const iovec& piece = message.msg_iov[i];
    const std::size_t length = std::min(piece.iov_len, size);
    size -= length;
    const auto verdict =
        connection.guard->Take({static_cast<const char*>(piece.iov_base), length}, now);
    if (!verdict) continue;
    connection.guard = nullptr;
    connection.cut = true;
    connection.on_attack(*verdict);
    return false;
  }
  return true;
}

}  // namespace

std::uint64_t SocketCookie(int fd) {
  std::uint64_t cookie = 0;
  socklen_t length = sizeof(cookie);
  return ::getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) == 0 ? cookie : 0;
}

GuardedReads::GuardedReads(int fd, std::unique_ptr<FrameGuard> guard,
                           std::function<void(std::string_view)> on_attack)
    : fd_(fd),
      connection_(
          std::make_shared<Connection>(SocketCookie(fd), std::move(guard), std::move(on_attack))) {
  TheTable().Put(fd_, connection_);
}

GuardedReads::~GuardedReads() {
  TheTable().Take(fd_, connection_);
  const MutexLock lock(connection_->mutex);
  connection_->guard = nullptr;
}

bool GuardedReads::closed() const { return SocketCookie(fd_) != connection_->cookie; }

bool GuardedReads::seen() const { return connection_->seen.load(std::memory_order_relaxed); }

}  // namespace sluice::controlplane

// In the place of the C library's, also for shared libraries: the linker exports from a program
// what they want.
extern "C" __attribute__((visibility("default"))) ssize_t recvmsg(int fd, msghdr* message,
                                                                  int flags) {
  using sluice::controlplane::LookAt;
  using Recvmsg = ssize_t (*)(int, msghdr*, int);
  static const auto real = reinterpret_cast<Recvmsg>(::dlsym(RTLD_NEXT, "recvmsg"));
  SLUICE_CHECK(real != nullptr);
  const ssize_t size = real(fd, message, flags);
  if (size <= 0 || (flags & (MSG_ERRQUEUE | MSG_PEEK)) != 0) return size;
  const auto connection = sluice::controlplane::TheTable().Find(fd);
  // A number that was given out again is nobody's connection of ours.
  if (connection == nullptr || sluice::controlplane::SocketCookie(fd) != connection->cookie ||
      LookAt(*connection, *message, static_cast<std::size_t>(size))) {
    return size;
  }
  errno = ECONNRESET;
  return -1;
}
