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
#include <vector>

#include "common/base/check.h"
#include "common/base/descriptor_limit.h"
#include "common/base/limits.h"
#include "common/base/mutex.h"
#include "common/base/thread_name.h"
#include "common/log/event_log.h"
#include "controlplane/server/guarded_reads.h"
#include "controlplane/server/refusals_said.h"
#include "controlplane/server/token_bucket.h"

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
  Loop(GateOptions options, UniqueFd epoll, UniqueFd bell)
      : options_(std::move(options)),
        socket_file_(options_.listening.address),
        table_(options_.bounds),
        epoll_(std::move(epoll)),
        bell_(std::move(bell)),
        of_port_(std::make_shared<FrameBudget>(options_.frames.port)),
        refusals_said_("connections_refused", options_.flag),
        unspoken_said_("silent_connections_closed", options_.flag),
        pauses_said_("accepting_paused", options_.flag),
        cuts_said_("connections_cut", options_.flag) {
    Watch(bell_.get(), EPOLLIN);
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
    stopping_ = true;
    Ring();
  }

  ConnectionCounts counts() const {
    return {open_.load(),     silent_.load(), accepted_.load(), refused_.load(),
            unspoken_.load(), cut_.load(),    pauses_.load()};
  }

 private:
  struct HandedOver {
    std::unique_ptr<GuardedReads> reads;
    MonotonicTime since{};
  };
  // What a peer has left, and who knows of it.
  struct PeerBudget {
    std::shared_ptr<FrameBudget> frames;
    TokenBucket cuts;
    MonotonicTime used{};
  };
  struct Cut {
    std::string peer;
    std::string why;
  };
  // Until the gate's thread has said them; only their number grows beyond that.
  static constexpr std::size_t kCutsKept = 1'000;

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
    for (const RefusalsSaid* said :
         {&refusals_said_, &unspoken_said_, &pauses_said_, &cuts_said_}) {
      sooner(said->due());
    }
    if (!handed_over_.empty()) sooner(next_look_);
    if (!next) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now());
    return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
  }

  void OnReady(int fd) {
    if (fd == bell_.get()) {
      std::uint64_t rings;
      SLUICE_CHECK(::read(fd, &rings, sizeof(rings)) == sizeof(rings) || errno == EAGAIN);
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
    SayCuts(now);
    if (now >= next_look_) LookForClosed(now);
    for (RefusalsSaid* said : {&refusals_said_, &unspoken_said_, &pauses_said_, &cuts_said_}) {
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
    handed_over_.erase(number);  // The kernel gives out what gRPC has closed.
    if (const auto of_peer = budgets_.find(peer);
        of_peer != budgets_.end() && !of_peer->second.cuts.HasAny(now)) {
      table_.Left(number);
      Refuse(peer, "connections of the peer were cut too often", now);
      return;
    }
    const bool descriptors_left = !IsReservedDescriptor(number);
    auto arrival = table_.Arrive(number, peer, descriptors_left, now);
    if (arrival.answer != ConnectionTable::Answer::kTaken && now >= looked_ + kLookAgain) {
      LookForClosed(now);
      arrival = table_.Arrive(number, peer, descriptors_left, now);
    }
    if (arrival.answer != ConnectionTable::Answer::kTaken) {
      Refuse(peer,
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

  void Refuse(const std::string& peer, const std::string& why, MonotonicTime now) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    refusals_said_.Happened(peer, why, now);
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
    const std::string peer = table_.PeerOf(fd);
    handed_over_[fd] = {
        std::make_unique<GuardedReads>(
            fd,
            std::make_unique<FrameGuard>(options_.frames.connection,
                                         std::vector{BudgetOf(peer, now).frames, of_port_}),
            [this, peer](std::string_view why) { OnAttack(peer, why); }),
        now};
    options_.hand_over(fd);
    return true;
  }

  // Kept for a while when the last connection has gone: coming back is no way to another one.
  PeerBudget& BudgetOf(const std::string& peer, MonotonicTime now) {
    auto found = budgets_.find(peer);
    if (found == budgets_.end()) {
      found = budgets_
                  .emplace(peer, PeerBudget{std::make_shared<FrameBudget>(options_.frames.peer),
                                            TokenBucket(options_.frames.cuts)})
                  .first;
    }
    found->second.used = now;
    return found->second;
  }

  // On a thread of gRPC's.
  void OnAttack(const std::string& peer, std::string_view why) {
    cut_.fetch_add(1, std::memory_order_relaxed);
    {
      const MutexLock lock(mutex_);
      if (cuts_.size() < kCutsKept) cuts_.push_back({peer, std::string(why)});
    }
    Ring();
  }

  void SayCuts(MonotonicTime now) {
    std::vector<Cut> cuts;
    {
      const MutexLock lock(mutex_);
      cuts.swap(cuts_);
    }
    for (const Cut& cut : cuts) {
      BudgetOf(cut.peer, now).cuts.Take(now);
      cuts_said_.Happened(cut.peer, cut.why, now);
    }
  }

  void Ring() {
    const std::uint64_t one = 1;
    SLUICE_CHECK(::write(bell_.get(), &one, sizeof(one)) == sizeof(one) || errno == EAGAIN);
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
    std::erase_if(handed_over_, [&](const auto& entry) {
      const HandedOver& connection = entry.second;
      if (connection.reads->closed()) {
        table_.Left(entry.first);
        return true;
      }
      if (!connection.reads->seen() && now >= connection.since + limits::kSilentTime) SayBlind();
      return false;
    });
    std::erase_if(budgets_, [&](const auto& entry) {
      const PeerBudget& of_peer = entry.second;
      return of_peer.frames.use_count() == 1 && (now >= of_peer.used + limits::kPeerRemembered ||
                                                 budgets_.size() > limits::kPeersRemembered);
    });
  }

  // Its client began long ago, so gRPC must have read that.
  void SayBlind() {
    if (std::exchange(blind_said_, true)) return;
    LogEvent(LogLevel::kError, "frame_guard_blind",
             {{"port", options_.flag},
              {"reason", "gRPC does not read with recvmsg: HTTP/2 floods are not noticed"}});
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
  const UniqueFd epoll_;
  const UniqueFd bell_;
  std::atomic<bool> stopping_{false};
  const std::shared_ptr<FrameBudget> of_port_;
  std::map<std::string, PeerBudget> budgets_;
  std::map<int, HandedOver> handed_over_;
  std::optional<MonotonicTime> paused_until_;
  MonotonicTime looked_{};
  MonotonicTime next_look_{};
  RefusalsSaid refusals_said_;
  RefusalsSaid unspoken_said_;
  RefusalsSaid pauses_said_;
  RefusalsSaid cuts_said_;
  bool blind_said_ = false;

  Mutex mutex_;
  std::vector<Cut> cuts_ ABSL_GUARDED_BY(mutex_);

  std::atomic<std::uint64_t> open_{0};
  std::atomic<std::uint64_t> silent_{0};
  std::atomic<std::uint64_t> accepted_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> unspoken_{0};
  std::atomic<std::uint64_t> cut_{0};
  std::atomic<std::uint64_t> pauses_{0};
};

ConnectionGate::ConnectionGate(std::unique_ptr<Loop> loop)
    : loop_(std::move(loop)), thread_([this] { loop_->Run(); }) {}

Result<std::unique_ptr<ConnectionGate>> ConnectionGate::Open(GateOptions options) {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  UniqueFd bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!epoll || !bell) {
    SocketFile(options.listening.address).Remove();
    return Fail(ErrorCode::kUnavailable,
                fmt::format("`{}`: {}", options.flag, std::generic_category().message(errno)));
  }
  return std::unique_ptr<ConnectionGate>(new ConnectionGate(
      std::make_unique<Loop>(std::move(options), std::move(epoll), std::move(bell))));
}

ConnectionGate::~ConnectionGate() {
  loop_->Stop();
  thread_.join();
}

ConnectionCounts ConnectionGate::counts() const { return loop_->counts(); }

}  // namespace sluice::controlplane
