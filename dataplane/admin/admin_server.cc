#include "dataplane/admin/admin_server.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <list>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/base/thread_name.h"
#include "common/base/unique_fd.h"

namespace sluice::dataplane {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// How long accepting pauses after descriptors ran out.
constexpr milliseconds kAcceptPause{100};

bool IsLocal(const SocketAddress& address) {
  if (address.is_unix()) return true;
  const SocketAddress unmapped = address.Unmapped();
  const std::string_view ip = unmapped.ip_bytes();
  if (ip.size() == 4) return ip[0] == 127;
  return ip == std::string_view("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
}

tl::unexpected<Error> CannotListen(const std::string& address) {
  return Fail(ErrorCode::kFailedPrecondition,
              fmt::format("admin address '{}' cannot be used: {}", address, std::strerror(errno)));
}

// A socket file that nobody answers on was left by a process that died.
void RemoveDeadSocketFile(const SocketAddress& address) {
  const std::string path = address.IpText().substr(std::strlen("unix:"));
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  const UniqueFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_storage storage;
  const socklen_t length = address.ToSockaddr(storage);
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&storage), length) != 0 &&
      errno == ECONNREFUSED) {
    unlink(path.c_str());
  }
}

Result<UniqueFd> Listen(const SocketAddress& address, const std::string& text) {
  if (address.is_unix()) RemoveDeadSocketFile(address);
  UniqueFd fd(socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return CannotListen(text);
  const int on = 1;
  if (!address.is_unix()) {
    setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  }
  sockaddr_storage storage;
  const socklen_t length = address.ToSockaddr(storage);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), length) != 0 ||
      listen(fd.get(), static_cast<int>(limits::kAdminConnections)) != 0) {
    return CannotListen(text);
  }
  return fd;
}

// One client, from its first byte to its last: after the answer what it still sends is read and
// thrown away until it ends, because closing before that would reset the answer away.
class Exchange {
 public:
  Exchange(UniqueFd fd, Clock::time_point deadline) : fd_(std::move(fd)), deadline_(deadline) {}

  int fd() const { return fd_.get(); }
  short wanted() const { return step_ == Step::kWrite ? POLLOUT : POLLIN; }
  Clock::time_point deadline() const { return deadline_; }

  // False: over.
  bool Continue(const AdminHooks& hooks) {
    if (step_ == Step::kRead && !Read(hooks)) return false;
    if (step_ == Step::kWrite) return Write();
    return step_ == Step::kRead || Discard();
  }

 private:
  enum class Step : std::uint8_t { kRead, kWrite, kDiscard };

  bool Read(const AdminHooks& hooks) {
    std::array<char, 4096> bytes;
    const ssize_t count = recv(fd(), bytes.data(), bytes.size(), 0);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    if (count == 0) return false;
    request_.append(bytes.data(), static_cast<std::size_t>(count));
    const auto parsed = ParseHttpRequest(request_);
    if (!parsed) {
      Answer({.status = 400, .body = parsed.error().message + "\n"}, false);
    } else if (parsed->has_value()) {
      Answer(AnswerAdmin(**parsed, hooks), (*parsed)->method == "HEAD");
    } else if (request_.size() > limits::kAdminRequestBytes) {
      Answer({.status = 431, .body = "the request is too long\n"}, false);
    }
    return true;
  }

  void Answer(const HttpResponse& response, bool head) {
    answer_ = FormatHttpResponse(response, head);
    step_ = Step::kWrite;
  }

  bool Write() {
    const std::string_view rest = std::string_view(answer_).substr(written_);
    const ssize_t count = send(fd(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    written_ += static_cast<std::size_t>(count);
    if (written_ < answer_.size()) return true;
    answer_ = std::string();  // Not kept while the client takes its time to end.
    step_ = Step::kDiscard;
    return shutdown(fd(), SHUT_WR) == 0;
  }

  bool Discard() {
    std::array<char, 4096> bytes;
    const ssize_t count = recv(fd(), bytes.data(), bytes.size(), 0);
    return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
  }

  const UniqueFd fd_;
  const Clock::time_point deadline_;
  Step step_ = Step::kRead;
  std::string request_;
  std::string answer_;
  std::size_t written_ = 0;  // Of answer_.
};

class PollingServer final : public AdminServer {
 public:
  PollingServer(UniqueFd listener, SocketAddress address, milliseconds deadline, AdminHooks hooks)
      : listener_(std::move(listener)),
        address_(std::move(address)),
        deadline_(deadline),
        hooks_(std::move(hooks)),
        stop_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    SLUICE_CHECK(stop_.get() >= 0);
    thread_ = std::thread([this] {
      NameThisThread("admin");
      Run();
    });
  }
  ~PollingServer() override {
    const std::uint64_t one = 1;
    SLUICE_CHECK(write(stop_.get(), &one, sizeof(one)) == sizeof(one));
    thread_.join();
    if (address_.is_unix()) unlink(address_.IpText().substr(std::strlen("unix:")).c_str());
  }
  const SocketAddress& address() const override { return address_; }

 private:
  void Run() {
    while (WaitAndServe()) {
    }
  }

  // A round. False: told to stop.
  bool WaitAndServe() {
    Clock::time_point now = Clock::now();
    const bool accepting = now >= accept_again_at_;
    std::vector<pollfd> fds{{stop_.get(), POLLIN, 0},
                            {listener_.get(), static_cast<short>(accepting ? POLLIN : 0), 0}};
    auto wake_at = now + std::chrono::hours(1);
    if (now < accept_again_at_) wake_at = accept_again_at_;
    for (const Exchange& exchange : exchanges_) {
      fds.push_back({exchange.fd(), exchange.wanted(), 0});
      wake_at = std::min(wake_at, exchange.deadline());
    }
    const auto wait = std::chrono::ceil<milliseconds>(wake_at - now);
    poll(fds.data(), fds.size(), static_cast<int>(std::max<milliseconds::rep>(wait.count(), 0)));
    if (fds[0].revents != 0) return false;

    now = Clock::now();
    std::size_t i = 2;
    for (auto exchange = exchanges_.begin(); exchange != exchanges_.end(); ++i) {
      const bool ready = fds[i].revents != 0;
      const bool goes_on = now < exchange->deadline() && (!ready || exchange->Continue(hooks_));
      exchange = goes_on ? std::next(exchange) : exchanges_.erase(exchange);
    }
    if (accepting && fds[1].revents != 0) Accept(now);
    return true;
  }

  void Accept(Clock::time_point now) {
    UniqueFd client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (client) {
      // The oldest gives way, so that clients that are slow or silent cannot keep a probe out.
      if (exchanges_.size() == limits::kAdminConnections) exchanges_.pop_front();
      exchanges_.emplace_back(std::move(client), now + deadline_);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      if (exchanges_.empty()) {
        accept_again_at_ = now + kAcceptPause;
      } else {
        exchanges_.pop_front();  // As above. What it leaves is taken in the next round.
      }
    }
  }

  const UniqueFd listener_;
  const SocketAddress address_;
  const milliseconds deadline_;
  const AdminHooks hooks_;
  const UniqueFd stop_;
  std::list<Exchange> exchanges_;
  Clock::time_point accept_again_at_{};
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<AdminServer>> AdminServer::Start(const AdminOptions& options,
                                                        AdminHooks hooks) {
  auto wanted = SocketAddress::Parse(options.address, /*allow_port_zero=*/true);
  if (!wanted) {
    return Fail(ErrorCode::kInvalidArgument, "admin address " + wanted.error().message);
  }
  if (!options.allow_remote && !IsLocal(*wanted)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("admin address '{}' can be reached from other hosts and there is no "
                            "authentication: it must be a loopback address or unix:/path",
                            options.address));
  }
  auto listener = Listen(*wanted, options.address);
  if (!listener) return tl::unexpected<Error>(std::move(listener.error()));
  SocketAddress bound = *wanted;
  if (!bound.is_unix()) {
    sockaddr_storage storage;
    socklen_t length = sizeof(storage);
    SLUICE_CHECK(getsockname(listener->get(), reinterpret_cast<sockaddr*>(&storage), &length) == 0);
    bound = SocketAddress::FromSockaddr(reinterpret_cast<sockaddr*>(&storage), length);
  }
  return std::unique_ptr<AdminServer>(std::make_unique<PollingServer>(
      std::move(*listener), std::move(bound), options.deadline, std::move(hooks)));
}

}  // namespace sluice::dataplane
