#include "controlplane/server/connection_gate.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "common/base/check.h"
#include "common/base/descriptor_limit.h"
#include "common/base/limits.h"
#include "common/base/thread_name.h"
#include "common/log/event_log.h"
#include "controlplane/server/refusals_said.h"

namespace sluice::controlplane {
namespace {

using Clock = std::chrono::steady_clock;

// RFC 9113, 3.4: what a client sends first.
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// Who is held to one share: an address, the /64 of an IPv6 one, a user of this machine.
std::string PeerName(int fd, const SocketAddress& address) {
  if (address.is_unix()) {
    ucred credentials{};
    socklen_t length = sizeof(credentials);
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return "unix:";
    return fmt::format("unix:uid={}", credentials.uid);
  }
  const SocketAddress unmapped = address.Unmapped();
  if (unmapped.family() == AF_INET || unmapped.is_local()) return unmapped.IpText();
  sockaddr_storage storage{};
  const socklen_t length = unmapped.ToSockaddr(storage);
  auto* const ip = reinterpret_cast<sockaddr_in6*>(&storage);
  std::memset(&ip->sin6_addr.s6_addr[8], 0, 8);
  return SocketAddress::FromSockaddr(reinterpret_cast<sockaddr*>(&storage), length).IpText() +
         "/64";
}

// What a socket is to the kernel for as long as the kernel runs; 0: it is none.
std::uint64_t CookieOf(int fd) {
  std::uint64_t cookie = 0;
  socklen_t length = sizeof(cookie);
  return ::getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) == 0 ? cookie : 0;
}

// As gRPC sets them on what it accepts. What is not acknowledged in time is a connection that is no
// more; a pause between frames is no use to anybody.
void SetTcpOptions(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  const unsigned milliseconds = std::chrono::milliseconds(limits::kGrpcUnacknowledged).count();
  ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof(milliseconds));
}

}  // namespace

class ConnectionGate::Loop {
 public:
  Loop(GateOptions options, UniqueFd epoll, UniqueFd stop)
      : options_(std::move(options)),
        socket_file_(options_.listening.address),
        table_(options_.bounds),
        epoll_(std::move(epoll)),
        stop_(std::move(stop)),
        refusals_said_("connections_refused", options_.flag),
        unspoken_said_("silent_connections_closed", options_.flag),
        pauses_said_("accepting_paused", options_.flag) {
    Watch(stop_.get(), EPOLLIN);
    Watch(listener(), EPOLLIN);
  }

  ~Loop() {
    for (const int fd : table_.Silent()) ::close(fd);
    socket_file_.Remove();
  }

  void Run() {
    NameThisThread("accept" + options_.flag.substr(1));
    std::array<epoll_event, limits::kGrpcAcceptBatch> events;
    while (!stopping_) {
      const int ready = ::epoll_wait(epoll_.get(), events.data(), events.size(), Timeout());
      SLUICE_CHECK(ready >= 0 || errno == EINTR);
      for (int i = 0; i < ready; ++i) OnReady(events[static_cast<std::size_t>(i)].data.fd);
      OnTime(Clock::now());
      Publish();
    }
  }

  // From any thread.
  void Stop() {
    const std::uint64_t one = 1;
    SLUICE_CHECK(::write(stop_.get(), &one, sizeof(one)) == sizeof(one));
  }

  ConnectionCounts counts() const {
    return {open_.load(),    silent_.load(),   accepted_.load(),
            refused_.load(), unspoken_.load(), pauses_.load()};
  }

 private:
  int listener() const { return options_.listening.fd.get(); }

  void Watch(int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    SLUICE_CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0 || errno == ENOSPC ||
                 errno == ENOMEM);
  }
  void Unwatch(int fd) { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

  int Timeout() const {
    std::optional<MonotonicTime> next = table_.NextDeadline();
    const auto sooner = [&next](std::optional<MonotonicTime> time) {
      if (time && (!next || *time < *next)) next = time;
    };
    sooner(paused_until_);
    for (const RefusalsSaid* said : {&refusals_said_, &unspoken_said_, &pauses_said_}) {
      sooner(said->due());
    }
    if (!cookies_.empty()) sooner(next_look_);
    if (!next) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now());
    return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
  }

  void OnReady(int fd) {
    if (fd == stop_.get()) {
      stopping_ = true;
    } else if (fd == listener()) {
      AcceptSome(Clock::now());
    } else if (table_.IsSilent(fd)) {  // Not closed by another event of this round.
      Listen(fd, Clock::now());
    }
  }

  void OnTime(MonotonicTime now) {
    for (const auto& leaving : table_.TakeOverdue(now)) Close(leaving, "it said nothing", now);
    if (paused_until_ && now >= *paused_until_) {
      paused_until_.reset();
      Watch(listener(), EPOLLIN);
    }
    if (now >= next_look_) LookForClosed(now);
    for (RefusalsSaid* said : {&refusals_said_, &unspoken_said_, &pauses_said_}) {
      said->SayIfDue(now);
    }
  }

  void AcceptSome(MonotonicTime now) {
    for (std::size_t i = 0; i < limits::kGrpcAcceptBatch; ++i) {
      sockaddr_storage storage{};
      socklen_t length = sizeof(storage);
      UniqueFd fd(::accept4(listener(), reinterpret_cast<sockaddr*>(&storage), &length,
                            SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!fd) {
        const int error = errno;
        if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM) {
          Pause(error, now);
        }
        // Everything else is nothing to do now, or a client that has gone again.
        if (error != ECONNABORTED && error != EINTR) return;
        continue;
      }
      accepted_.fetch_add(1, std::memory_order_relaxed);
      const auto address =
          SocketAddress::FromSockaddr(reinterpret_cast<sockaddr*>(&storage), length);
      Take(std::move(fd), address, now);
    }
  }

  void Take(UniqueFd fd, const SocketAddress& address, MonotonicTime now) {
    const int number = fd.get();
    const std::string peer = PeerName(number, address);
    cookies_.erase(number);  // The kernel gives out what gRPC has closed.
    const bool descriptors_left = !IsReservedDescriptor(number);
    auto arrival = table_.Arrive(number, peer, descriptors_left, now);
    if (arrival.answer != ConnectionTable::Answer::kTaken && now >= looked_ + kLookAgain) {
      LookForClosed(now);
      arrival = table_.Arrive(number, peer, descriptors_left, now);
    }
    if (arrival.answer != ConnectionTable::Answer::kTaken) {
      refused_.fetch_add(1, std::memory_order_relaxed);
      refusals_said_.Happened(
          peer,
          arrival.answer == ConnectionTable::Answer::kPeerIsFull
              ? fmt::format("the peer has {} connections, which is the most for one",
                            options_.bounds.open_a_peer)
              : fmt::format("{} connections are open, which is the most", table_.open()),
          now);
      return;
    }
    fd.release();
    if (!address.is_unix()) SetTcpOptions(number);
    if (arrival.gives_way) Close(*arrival.gives_way, "others needed its place", now);
    if (!Listen(number, now)) Watch(number, EPOLLIN | EPOLLRDHUP | EPOLLET);
  }

  // False: it has not said enough yet.
  bool Listen(int fd, MonotonicTime now) {
    std::array<char, kPreface.size()> said;
    const ssize_t size = ::recv(fd, said.data(), said.size(), MSG_PEEK | MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    const std::string_view text(said.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    if (text.empty()) {  // It has gone.
      table_.Left(fd);
      ::close(fd);
      return true;
    }
    if (!kPreface.starts_with(text)) {
      const std::string peer = table_.PeerOf(fd);
      table_.Left(fd);
      Close({fd, peer}, "what it said is not HTTP/2", now);
      return true;
    }
    if (text != kPreface) return false;
    Unwatch(fd);
    table_.Spoke(fd);
    cookies_[fd] = CookieOf(fd);
    options_.hand_over(fd);
    return true;
  }

  void Close(const ConnectionTable::Leaving& leaving, const char* why, MonotonicTime now) {
    ::close(leaving.fd);
    unspoken_.fetch_add(1, std::memory_order_relaxed);
    unspoken_said_.Happened(leaving.peer, why, now);
  }

  void Pause(int error, MonotonicTime now) {
    Unwatch(listener());
    paused_until_ = now + limits::kGrpcAcceptPause;
    pauses_.fetch_add(1, std::memory_order_relaxed);
    LookForClosed(now);
    pauses_said_.Happened("", std::generic_category().message(error), now);
  }

  // gRPC does not tell when it has closed one: then its number is another socket's, or nobody's.
  void LookForClosed(MonotonicTime now) {
    looked_ = now;
    next_look_ = now + limits::kConnectionsLook;
    std::erase_if(cookies_, [this](const auto& handed_over) {
      const bool closed = CookieOf(handed_over.first) != handed_over.second;
      if (closed) table_.Left(handed_over.first);
      return closed;
    });
  }

  void Publish() {
    open_.store(table_.open(), std::memory_order_relaxed);
    silent_.store(table_.silent(), std::memory_order_relaxed);
  }

  // Between two looks that a refusal asks for.
  static constexpr std::chrono::milliseconds kLookAgain{20};

  const GateOptions options_;
  const SocketFile socket_file_;
  ConnectionTable table_;
  std::map<int, std::uint64_t> cookies_;  // Of those handed over.
  const UniqueFd epoll_;
  const UniqueFd stop_;
  bool stopping_ = false;
  std::optional<MonotonicTime> paused_until_;
  MonotonicTime looked_{};
  MonotonicTime next_look_{};
  RefusalsSaid refusals_said_;
  RefusalsSaid unspoken_said_;
  RefusalsSaid pauses_said_;

  std::atomic<std::uint64_t> open_{0};
  std::atomic<std::uint64_t> silent_{0};
  std::atomic<std::uint64_t> accepted_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> unspoken_{0};
  std::atomic<std::uint64_t> pauses_{0};
};

ConnectionGate::ConnectionGate(std::unique_ptr<Loop> loop)
    : loop_(std::move(loop)), thread_([this] { loop_->Run(); }) {}

Result<std::unique_ptr<ConnectionGate>> ConnectionGate::Open(GateOptions options) {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!epoll || !stop) {
    SocketFile(options.listening.address).Remove();
    return Fail(ErrorCode::kUnavailable,
                fmt::format("`{}`: {}", options.flag, std::generic_category().message(errno)));
  }
  return std::unique_ptr<ConnectionGate>(new ConnectionGate(
      std::make_unique<Loop>(std::move(options), std::move(epoll), std::move(stop))));
}

ConnectionGate::~ConnectionGate() {
  loop_->Stop();
  thread_.join();
}

ConnectionCounts ConnectionGate::counts() const { return loop_->counts(); }

}  // namespace sluice::controlplane
