#include "common/http/server.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <list>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/bind_probe.h"
#include "common/base/check.h"
#include "common/base/listening.h"
#include "common/base/monotonic_time.h"
#include "common/base/socket_file.h"
#include "common/base/thread_name.h"
#include "common/base/unique_fd.h"

namespace sluice::http {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Has the server look up from poll(). Shared with the sources of answers, which may outlive it.
class Bell {
 public:
  explicit Bell(UniqueFd event) : event_(std::move(event)) {}
  int fd() const { return event_.get(); }
  // Thread-safe.
  void Ring() const {
    const std::uint64_t one = 1;
    // Full: it has been rung before and not been heard yet.
    SLUICE_CHECK(::write(fd(), &one, sizeof(one)) == sizeof(one) || errno == EAGAIN);
  }
  void Hear() const {
    std::uint64_t count;
    SLUICE_CHECK(::read(fd(), &count, sizeof(count)) == sizeof(count) || errno == EAGAIN);
  }

 private:
  const UniqueFd event_;
};

// One client: its channel, its exchanges, and what both wait for.
class Connection {
 public:
  Connection(std::unique_ptr<Channel> channel, const Handler& handler, const ExchangeLimits& limits,
             std::shared_ptr<const Bell> bell, MonotonicTime now)
      : channel_(std::move(channel)),
        woken_(std::make_shared<std::atomic<bool>>(false)),
        exchanges_(
            handler, limits,
            [bell = std::move(bell), woken = woken_] {
              woken->store(true);
              bell->Ring();
            },
            now) {}

  int fd() const { return channel_->fd(); }
  MonotonicTime deadline() const { return exchanges_.deadline(); }
  // What poll() is to look for; errors and hang-ups are reported in any case.
  short wanted() const {
    return static_cast<short>((reads() ? read_awaits_ : 0) | (writes() ? write_awaits_ : 0));
  }
  // There is something to do whatever poll() says.
  bool has_turn() const {
    return (reads() && read_awaits_ == 0) || (writes() && write_awaits_ == 0) ||
           exchanges_.has_step();
  }
  bool closed() const { return failed_ || exchanges_.state() == Exchanges::State::kClosed; }
  // The smallest is closed first when there is no room.
  std::pair<Exchanges::State, MonotonicTime> worth() const {
    return {exchanges_.state(), exchanges_.since()};
  }

  void Serve(short events, MonotonicTime now) {
    constexpr short kTrouble = POLLERR | POLLHUP | POLLNVAL;
    if ((events & (read_awaits_ | kTrouble)) != 0) read_awaits_ = 0;
    if ((events & (write_awaits_ | kTrouble)) != 0) write_awaits_ = 0;
    exchanges_.OnTime(now);
    if (woken_->exchange(false)) exchanges_.OnWake();
    if (has_turn()) {
      Turn(now);
    } else if ((events & kTrouble) != 0) {
      failed_ = true;  // Nobody would notice otherwise: nothing is read or written just now.
    }
  }

 private:
  bool reads() const { return !greeted_ || exchanges_.wants_input(); }
  bool writes() const { return greeted_ && !exchanges_.output().empty(); }

  void Turn(MonotonicTime now) {
    if (!greeted_) Greet();
    if (greeted_ && exchanges_.wants_input() && read_awaits_ == 0) Read();
    if (exchanges_.has_step()) exchanges_.Step(now);
    if (writes() && write_awaits_ == 0) Write(now);
    if (exchanges_.state() == Exchanges::State::kLingering && !finished_) {
      finished_ = true;
      if (!channel_->FinishWriting()) failed_ = true;
    }
  }

  void Greet() {
    const Channel::State state = channel_->Handshake();
    greeted_ = state == Channel::State::kDone;
    if (!greeted_) Await(state, read_awaits_);
  }

  void Read() {
    std::array<char, limits::kHttpReadBytes> bytes;
    const Channel::Step step = channel_->Read(bytes);
    if (step.state == Channel::State::kDone) {
      exchanges_.OnInput(std::string_view(bytes.data(), step.bytes));
    } else if (step.state == Channel::State::kEnd) {
      exchanges_.OnInputEnd();
    } else {
      Await(step.state, read_awaits_);
    }
  }

  void Write(MonotonicTime now) {
    const Channel::Step step = channel_->Write(exchanges_.output());
    if (step.state == Channel::State::kDone) {
      exchanges_.OnSent(step.bytes, now);
    } else {
      Await(step.state, write_awaits_);
    }
  }

  void Await(Channel::State state, short& awaits) {
    switch (state) {
      case Channel::State::kAwaitsRead:
        awaits = POLLIN;
        return;
      case Channel::State::kAwaitsWrite:
        awaits = POLLOUT;
        return;
      case Channel::State::kDone:
      case Channel::State::kEnd:
      case Channel::State::kFailed:
        failed_ = true;
        return;
    }
  }

  const std::unique_ptr<Channel> channel_;
  const std::shared_ptr<std::atomic<bool>> woken_;  // By a source.
  Exchanges exchanges_;
  bool greeted_ = false;
  bool finished_ = false;
  bool failed_ = false;
  // What has to happen before it is worth trying again; 0: nothing.
  short read_awaits_ = 0;
  short write_awaits_ = 0;
};

}  // namespace

class Server::Loop {
 public:
  Loop(Listening listening, UniqueFd event, ServerOptions options, Handler handler)
      : options_(std::move(options)),
        listener_(std::move(listening.fd)),
        address_(std::move(listening.address)),
        socket_file_(address_),
        handler_(std::move(handler)),
        bell_(std::make_shared<const Bell>(std::move(event))),
        thread_([this] {
          NameThisThread(options_.name);
          while (!stopped_) Round();
        }) {}
  ~Loop() {
    stopped_ = true;
    bell_->Ring();
    thread_.join();
    socket_file_.Remove();
  }
  const SocketAddress& address() const { return address_; }

 private:
  void Round() {
    MonotonicTime now = Clock::now();
    const bool accepting = now >= accept_again_at_;
    const bool accepts = Wait(now, accepting);
    now = Clock::now();
    std::size_t i = kFirstConnection;
    for (auto connection = connections_.begin(); connection != connections_.end(); ++i) {
      connection->Serve(polled_[i].revents, now);
      connection = connection->closed() ? connections_.erase(connection) : std::next(connection);
    }
    if (accepts) Accept(now);
  }

  // Fills polled_. True: somebody wants to connect.
  bool Wait(MonotonicTime now, bool accepting) {
    polled_.clear();
    polled_.push_back({bell_->fd(), POLLIN, 0});
    polled_.push_back({listener_.get(), static_cast<short>(accepting ? POLLIN : 0), 0});
    MonotonicTime wake_at = now + std::chrono::hours(1);
    if (!accepting) wake_at = std::min(wake_at, accept_again_at_);
    for (const Connection& connection : connections_) {
      polled_.push_back({connection.fd(), connection.wanted(), 0});
      wake_at = connection.has_turn() ? now : std::min(wake_at, connection.deadline());
    }
    const auto wait = std::max(std::chrono::ceil<milliseconds>(wake_at - now), milliseconds(0));
    ::poll(polled_.data(), polled_.size(), static_cast<int>(wait.count()));
    if (polled_[0].revents != 0) bell_->Hear();
    return accepting && polled_[1].revents != 0;
  }

  // One in a round, so that each newcomer is heard before the next one may cost it its place.
  void Accept(MonotonicTime now) {
    UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (client) {
      if (connections_.size() >= options_.connections) CloseLeastWorth();
      if (!address_.is_unix()) Prepare(client.get());
      connections_.emplace_back(options_.channel(std::move(client)), handler_, options_.limits,
                                bell_, now);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      if (connections_.empty()) {
        accept_again_at_ = now + limits::kHttpAcceptPause;
      } else {
        CloseLeastWorth();  // What it leaves is taken in the next round.
      }
    }
  }

  static void Prepare(int fd) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));  // For answers that do not end.
  }

  void CloseLeastWorth() {
    connections_.erase(
        std::min_element(connections_.begin(), connections_.end(),
                         [](const auto& a, const auto& b) { return a.worth() < b.worth(); }));
  }

  static constexpr std::size_t kFirstConnection = 2;  // In polled_.

  const ServerOptions options_;
  const UniqueFd listener_;
  const SocketAddress address_;
  const SocketFile socket_file_;
  const Handler handler_;
  const std::shared_ptr<const Bell> bell_;
  std::atomic<bool> stopped_{false};
  std::list<Connection> connections_;  // Server's thread only, as what follows.
  std::vector<pollfd> polled_;
  MonotonicTime accept_again_at_{};
  std::thread thread_;  // Last: it uses the others.
};

Result<std::unique_ptr<Server>> Server::Start(ServerOptions options, Handler handler) {
  SLUICE_CHECK(options.connections > 0 && handler.answer);
  const std::string what = options.name + " address";
  const auto refused = [&](ErrorCode code, const std::string& why) {
    return Fail(code, fmt::format("{} '{}' cannot be used: {}", what, options.address.Text(), why));
  };
  auto listening = Listen(options.address, static_cast<int>(options.connections));
  if (!listening) {
    return refused(
        listening.error() == EADDRINUSE ? ErrorCode::kConflict : ErrorCode::kFailedPrecondition,
        BindProblemText(listening.error()));
  }
  UniqueFd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) {
    const int error = errno;
    SocketFile(listening->address).Remove();
    return refused(ErrorCode::kUnavailable, std::strerror(error));
  }
  return std::unique_ptr<Server>(new Server(std::make_unique<Loop>(
      *std::move(listening), std::move(event), std::move(options), std::move(handler))));
}

Server::Server(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
Server::~Server() = default;
const SocketAddress& Server::address() const { return loop_->address(); }

}  // namespace sluice::http
