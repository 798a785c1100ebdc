#include "dataplane/serve/tcp_session.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "common/base/limits.h"
#include "dataplane/relay/socket_options.h"
#include "dataplane/relay/tcp_relay.h"
#include "dataplane/serve/attempts.h"
#include "dataplane/serve/deadlines.h"
#include "dataplane/serve/endpoint_connect.h"
#include "dataplane/serve/phase_run.h"
#include "dataplane/serve/session_ends.h"
#include "dataplane/serve/worker_context.h"

namespace sluice::dataplane {
namespace {

// Bytes that nobody reads fill a socket's receive buffer, and the default one (tcp_rmem) is not
// promised to hold as many as phases may look at: the client would be stopped before. Linux makes
// it as large as SO_RCVLOWAT asks, and leaves it so when less is asked for again.
void MakeRoomForFirstBytes(int socket) {
  for (const int bytes : {static_cast<int>(2 * limits::kFirstBytes), 1}) {
    ::setsockopt(socket, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes));
  }
}

// Goes through the phases, which may wait or look at the client's first bytes, connects to an
// endpoint (retrying elsewhere), relays and ends. An established idle session is this object, one
// Attempt, and nothing else. Owns itself: End() hands it to the loop to be destroyed.
class TcpSession final : public Retirable, private LiveSession, private Timer, private PhaseWaker {
 public:
  TcpSession(WorkerContext& worker, WorkerListener& served, UniqueFd client)
      : worker_(worker),
        served_(served),
        client_(*this, Peer::kClient, std::move(client)),
        endpoint_(*this, Peer::kEndpoint, UniqueFd()) {}

  SessionState& state() { return state_; }

  // With state() begun.
  void Start();

 private:
  // kDelivering: one peer's connection is dead, the other gets what is left for it.
  enum class Stage : std::uint8_t { kPhases, kConnecting, kRelaying, kDelivering, kEnded };

  // One of the two sockets.
  struct Side final : IoHandler {
    Side(TcpSession& its_session, Peer its_peer, UniqueFd socket)
        : peer(its_peer), fd(std::move(socket)), session(its_session) {}
    void OnEvents(std::uint32_t events) override { session.OnEvents(peer, events); }
    const Peer peer;
    UniqueFd fd;
    TcpSession& session;
  };

  // Only until an endpoint is connected.
  struct Setup {
    PhaseRun phases;
    bool task_done = false;
    bool client_ended = false;  // The client has sent FIN.
    bool made_room = false;     // For limits::kFirstBytes in the client's socket.
    // Connecting.
    Tries tries;
    CloseReason failure = CloseReason::kNoEndpoint;  // Of the last attempt.
  };

  // Only while one peer's connection is dead.
  struct Delivery {
    MonotonicTime progress;            // When the other peer last took something.
    std::uint64_t unacknowledged = 0;  // By the other peer, when that was last looked at.
    std::uint64_t counted = 0;         // Bytes to the other peer that counters have seen.
  };

  void OnEvents(Peer peer, std::uint32_t events);
  void OnTimer() override;
  void CloseForShutdown() override { End(CloseReason::kShutdown); }
  void End(CloseReason reason);

  void OnPhaseEvent(Peer peer, std::uint32_t events);
  void Wake() override;
  void FollowPhases(PhaseRun::State state);
  // Nothing: the client has reset the connection.
  std::optional<FirstBytes> PeekFirstBytes();

  void BeginConnecting();
  void ConnectSomewhere();
  void OnConnectEvent(std::uint32_t events);
  void OnConnected();
  void GiveUpAttempt(const AttemptFailure& failure);
  bool MayTryAnother() const;

  void PumpRelay();
  TcpRelay::Outcome Pump();
  void BeginDelivery();
  void FollowDelivery();
  void EndDelivery();
  void CountDelivered();
  // Bytes: written, and not known to be lost.
  std::uint64_t DeliveredTo(Peer peer) const;
  // The other one than the dead.
  Side& Reader() { return *relay_.dead() == Peer::kClient ? endpoint_ : client_; }

  void ArmTimer() { deadlines().Arm(worker_.loop().timers(), *this); }
  Deadlines deadlines() const;
  std::optional<MonotonicTime> StageDeadline() const;

  void ReleaseEndpoint();
  void CloseSockets(CloseReason reason);

  const TcpSettings& settings() const { return served_.config->tcp; }
  UpstreamCounters& upstream_counters() const { return state_.upstream->counters; }
  const Balancer& balancer() const { return *state_.upstream->config->balancer; }

  WorkerContext& worker_;
  WorkerListener& served_;  // Kept alive by state_.listener.
  Side client_;
  Side endpoint_;
  TcpRelay relay_;
  MonotonicTime last_activity_;
  std::unique_ptr<Setup> setup_ = std::make_unique<Setup>();
  std::unique_ptr<Delivery> delivery_;
  Stage stage_ = Stage::kPhases;
  bool holds_endpoint_ = false;  // Picked and not released yet.
  bool first_byte_seen_ = false;
  bool half_closed_ = false;
  SessionState state_;
};

void TcpSession::Start() {
  worker_.sessions().Join(*this);
  relay_.SetSocket(Peer::kClient, client_.fd.get());
  if (worker_.loop().Add(client_.fd.get(), kAllEdges, client_) != 0) {
    return End(CloseReason::kResourcesExhausted);
  }
  FollowPhases(setup_->phases.Continue(served_.config->phases, state_, {}));
}

// Until the phases have passed, closed the session or wait.
void TcpSession::FollowPhases(PhaseRun::State state) {
  const PhaseChain& chain = served_.config->phases;
  while (true) {
    switch (state) {
      case PhaseRun::State::kPassed:
        return BeginConnecting();
      case PhaseRun::State::kClosed:
        return End(setup_->phases.reason());
      case PhaseRun::State::kWaits:
        setup_->task_done = false;
        state = setup_->phases.Start(state_, {worker_.loop(), client_.fd.get(), *this});
        if (state == PhaseRun::State::kWaits) return ArmTimer();
        break;
      case PhaseRun::State::kNeedsBytes: {
        const std::optional<FirstBytes> first = PeekFirstBytes();
        if (!first) return End(CloseReason::kClientAborted);
        if (first->bytes.size() < setup_->phases.needed() && !first->complete) return ArmTimer();
        state = setup_->phases.Continue(chain, state_, *first);
      }
    }
  }
}

// They stay in the socket, so nothing waits with the session and the relay reads them again.
std::optional<FirstBytes> TcpSession::PeekFirstBytes() {
  const std::span<char> buffer = worker_.scratch().first(limits::kFirstBytes);
  ssize_t size;
  do {
    size = ::recv(client_.fd.get(), buffer.data(), buffer.size(), MSG_PEEK);
  } while (size < 0 && errno == EINTR);
  if (size < 0 && errno != EAGAIN) return std::nullopt;
  if (size == 0) setup_->client_ended = true;
  if (size >= static_cast<ssize_t>(limits::kFirstBytesOfAnySocket) && !setup_->made_room) {
    setup_->made_room = true;
    MakeRoomForFirstBytes(client_.fd.get());
  }
  return FirstBytes{.bytes = buffer.first(size < 0 ? 0 : static_cast<std::size_t>(size)),
                    .datagrams = {},
                    .complete = setup_->client_ended};
}

void TcpSession::OnPhaseEvent(Peer peer, std::uint32_t events) {
  if (peer != Peer::kClient) return;
  if ((events & EPOLLERR) != 0) return End(CloseReason::kClientAborted);
  // HUP alone: the client of a unix socket has closed; what it had sent is there.
  if ((events & (EPOLLRDHUP | EPOLLHUP)) != 0) setup_->client_ended = true;
  PhaseRun& phases = setup_->phases;
  if (phases.state() == PhaseRun::State::kNeedsBytes) return FollowPhases(phases.state());
  if (events != 0 && phases.OnClientEvents(state_, events) == PhaseRun::State::kClosed) {
    return End(phases.reason());
  }
  if (!setup_->task_done) return;
  const std::optional<FirstBytes> first = PeekFirstBytes();
  if (!first) return End(CloseReason::kClientAborted);
  FollowPhases(phases.Finish(served_.config->phases, state_, *first));
}

// Not at once: the task may be in the middle of something.
void TcpSession::Wake() {
  setup_->task_done = true;
  worker_.loop().Again(client_);
}

void TcpSession::BeginConnecting() {
  stage_ = Stage::kConnecting;
  state_.upstream = served_.upstreams[state_.route]->in_force;
  ConnectSomewhere();
}

// Goes through the endpoints until one is being connected, or none may be tried any more.
void TcpSession::ConnectSomewhere() {
  while (BeginAttempt(worker_, state_, setup_->tries)) {
    holds_endpoint_ = true;
    ConnectStart start = BeginConnect(EndpointInHand(state_).address, served_.config->socket);
    if (start.error == 0) {
      endpoint_.fd = std::move(start.socket);
      relay_.SetSocket(Peer::kEndpoint, endpoint_.fd.get());
      if (worker_.loop().Add(endpoint_.fd.get(), kAllEdges, endpoint_) != 0) start.error = ENOMEM;
    }
    if (start.error == 0) {
      if (start.connected) {
        OnConnected();
      } else {
        ArmTimer();
      }
      return;
    }
    GiveUpAttempt(FailAttempt(worker_, state_, start.error));
    if (!MayTryAnother()) break;
  }
  End(setup_->failure);
}

bool TcpSession::MayTryAnother() const {
  if (setup_->failure == CloseReason::kResourcesExhausted && worker_.accept_gate().paused()) {
    return false;
  }
  if (state_.attempts.size() >= settings().attempts) return false;
  if (settings().retry_timeout.count() == 0) return true;
  return worker_.loop().now() - state_.attempts.front().start < settings().retry_timeout;
}

void TcpSession::GiveUpAttempt(const AttemptFailure& failure) {
  endpoint_.fd.reset();
  setup_->failure = failure.reason;
  if (failure.fault == ConnectFault::kOurs && !worker_.accept_gate().paused()) {
    served_.counters.accept_pauses.Add();
    worker_.accept_gate().Pause();
  }
  ReleaseEndpoint();
}

void TcpSession::OnEvents(Peer peer, std::uint32_t events) {
  if (stage_ == Stage::kEnded) return;
  relay_.Note(peer, events);
  if (stage_ == Stage::kRelaying) {
    PumpRelay();
  } else if (stage_ == Stage::kDelivering) {
    FollowDelivery();
  } else if (stage_ == Stage::kPhases) {
    OnPhaseEvent(peer, events);
  } else if (peer == Peer::kEndpoint) {
    OnConnectEvent(events);
  } else if ((events & EPOLLERR) != 0) {
    End(CloseReason::kClientAborted);
  }
}

void TcpSession::OnConnectEvent(std::uint32_t events) {
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
    const int error = ConnectError(endpoint_.fd.get());
    if (error != 0) {
      GiveUpAttempt(FailAttempt(worker_, state_, error));
      if (MayTryAnother()) {
        ConnectSomewhere();
      } else {
        End(setup_->failure);
      }
      return;
    }
  }
  if ((events & (EPOLLOUT | EPOLLHUP)) != 0) {
    OnConnected();
    PumpRelay();
  }
}

void TcpSession::OnConnected() {
  Attempt& attempt = state_.attempts.back();
  attempt.connect_time = Since(attempt.start, worker_.loop().now());
  SucceedAttempt(worker_, state_);
  setup_.reset();
  stage_ = Stage::kRelaying;
  last_activity_ = worker_.loop().now();
  ArmTimer();
  // What the client has sent meanwhile raised its only event while there was nowhere to put it. The
  // endpoint's event that tells of the connection, or its first one when connect() succeeded at
  // once (a unix socket), makes the relay take it up.
}

void TcpSession::PumpRelay() {
  const TcpRelay::Outcome outcome = Pump();
  if (relay_.is_dead()) return BeginDelivery();
  if (outcome == TcpRelay::Outcome::kFinished) return End(CloseReason::kFinished);
  if (!half_closed_ && relay_.half_closed()) {
    half_closed_ = true;
    ArmTimer();  // The deadline may be nearer now; otherwise it only moves away.
  }
}

// Counts what it moves.
TcpRelay::Outcome TcpSession::Pump() {
  const std::uint64_t received = relay_.read_from(Peer::kClient);
  const std::uint64_t sent = relay_.written_to(Peer::kClient);
  const std::uint64_t to_endpoint = relay_.written_to(Peer::kEndpoint);
  const std::uint64_t from_endpoint = relay_.read_from(Peer::kEndpoint);
  bool moved = false;
  const TcpRelay::Outcome outcome = relay_.Pump({worker_.scratch(), worker_.pipes()}, moved);
  served_.counters.bytes_received.Add(relay_.read_from(Peer::kClient) - received);
  UpstreamCounters& upstream = upstream_counters();
  upstream.bytes_received.Add(relay_.read_from(Peer::kEndpoint) - from_endpoint);
  if (delivery_ == nullptr) {
    served_.counters.bytes_sent.Add(relay_.written_to(Peer::kClient) - sent);
    upstream.bytes_sent.Add(relay_.written_to(Peer::kEndpoint) - to_endpoint);
  }
  if (moved) last_activity_ = worker_.loop().now();
  if (!first_byte_seen_ && relay_.read_from(Peer::kEndpoint) != 0) {
    first_byte_seen_ = true;
    Attempt& attempt = state_.attempts.back();
    attempt.first_byte_time = Since(attempt.start, worker_.loop().now());
  }
  if (outcome == TcpRelay::Outcome::kAgain) worker_.loop().Again(client_);
  return outcome;
}

void TcpSession::BeginDelivery() {
  stage_ = Stage::kDelivering;
  delivery_ = std::make_unique<Delivery>();
  delivery_->progress = worker_.loop().now();
  delivery_->counted = relay_.written_to(Reader().peer);
  FollowDelivery();
}

// What the relay still holds goes to the reader's socket. Nothing tells when the reader's kernel
// acknowledges it, so that is looked at from time to time: were the reset passed on before, it
// would take back what is under way.
void TcpSession::FollowDelivery() {
  const std::uint64_t before = relay_.written_to(Reader().peer);
  const TcpRelay::Outcome outcome = Pump();
  const std::uint64_t unacknowledged = Unacknowledged(Reader().fd.get());
  const MonotonicTime now = worker_.loop().now();
  if (relay_.written_to(Reader().peer) != before || unacknowledged < delivery_->unacknowledged) {
    delivery_->progress = now;
  }
  delivery_->unacknowledged = unacknowledged;
  const bool written =
      outcome == TcpRelay::Outcome::kClientReset || outcome == TcpRelay::Outcome::kEndpointReset;
  if (written && (unacknowledged == 0 || IsDisconnected(Reader().fd.get()))) return EndDelivery();
  // Soon while it moves, seldom when it does not.
  constexpr MonotonicTime::duration kSoonest = std::chrono::milliseconds(5);
  constexpr MonotonicTime::duration kLatest = std::chrono::milliseconds(250);
  worker_.loop().timers().Arm(*this,
                              now + std::clamp((now - delivery_->progress) / 4, kSoonest, kLatest));
}

void TcpSession::EndDelivery() {
  End(*relay_.dead() == Peer::kClient ? CloseReason::kClientReset : CloseReason::kEndpointReset);
}

std::uint64_t TcpSession::DeliveredTo(Peer peer) const {
  const std::uint64_t written = relay_.written_to(peer);
  if (delivery_ == nullptr || *relay_.dead() == peer) return written;
  return written - std::min(written, delivery_->unacknowledged);
}

// With the sockets still open.
void TcpSession::CountDelivered() {
  const Peer reader = Reader().peer;
  delivery_->unacknowledged = Unacknowledged(Reader().fd.get());
  const std::uint64_t delivered = DeliveredTo(reader);
  if (delivered <= delivery_->counted) return;
  Counter& counter =
      reader == Peer::kClient ? served_.counters.bytes_sent : upstream_counters().bytes_sent;
  counter.Add(delivered - delivery_->counted);
}

Deadlines TcpSession::deadlines() const {
  return {StageDeadline(), DeadlineAfter(state_.start, settings().session_timeout)};
}

std::optional<MonotonicTime> TcpSession::StageDeadline() const {
  switch (stage_) {
    case Stage::kPhases:
      return setup_->phases.Deadline(served_.config->phases, worker_.loop().now());
    case Stage::kConnecting:
      return DeadlineAfter(state_.attempts.back().start, settings().connect_timeout);
    case Stage::kDelivering:
      return delivery_->progress + settings().delivery_timeout;
    default:
      break;
  }
  const bool hurried = half_closed_ && settings().half_closed_timeout.count() != 0;
  return DeadlineAfter(last_activity_,
                       hurried ? settings().half_closed_timeout : settings().idle_timeout);
}

void TcpSession::OnTimer() {
  if (stage_ == Stage::kDelivering) {
    const bool over = deadlines().At(worker_.loop().now()) != Deadlines::Passed::kNone;
    return over ? EndDelivery() : FollowDelivery();
  }
  switch (deadlines().At(worker_.loop().now())) {
    case Deadlines::Passed::kNone:
      return ArmTimer();  // There was traffic meanwhile.
    case Deadlines::Passed::kSession:
      return End(CloseReason::kSessionTimeout);
    case Deadlines::Passed::kStage:
      break;
  }
  if (stage_ == Stage::kPhases) return End(CloseReason::kPhaseTimeout);
  if (stage_ == Stage::kRelaying) {
    return End(half_closed_ ? CloseReason::kHalfClosedTimeout : CloseReason::kIdleTimeout);
  }
  GiveUpAttempt(FailAttemptInTime(worker_, state_));
  if (!MayTryAnother()) return End(setup_->failure);
  ConnectSomewhere();
}

// Gives the endpoint back and completes the record of the attempt.
void TcpSession::ReleaseEndpoint() {
  if (!std::exchange(holds_endpoint_, false)) return;
  Attempt& attempt = state_.attempts.back();
  attempt.bytes_sent = DeliveredTo(Peer::kEndpoint);
  attempt.bytes_received = relay_.read_from(Peer::kEndpoint);
  FinishAttempt(worker_, state_);
}

// The one place where the sockets are closed.
void TcpSession::CloseSockets(CloseReason reason) {
  const linger reset{1, 0};
  switch (reason) {
    case CloseReason::kClientReset:
      ::setsockopt(endpoint_.fd.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
      break;
    case CloseReason::kEndpointReset:
      ::setsockopt(client_.fd.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
      break;
    case CloseReason::kIdleTimeout:
    case CloseReason::kHalfClosedTimeout:
    case CloseReason::kSessionTimeout:
      if (stage_ != Stage::kRelaying) break;
      worker_.lingering().Close(std::move(client_.fd));
      worker_.lingering().Close(std::move(endpoint_.fd));
      break;
    default:
      break;
  }
  client_.fd.reset();
  endpoint_.fd.reset();
  worker_.accept_gate().DescriptorsFreed();
}

void TcpSession::End(CloseReason reason) {
  worker_.loop().timers().Cancel(*this);
  worker_.loop().CancelAgain(client_);
  Leave();
  if (delivery_ != nullptr) CountDelivered();
  CloseSockets(reason);
  stage_ = Stage::kEnded;
  setup_.reset();  // And with it a task that is under way.
  ReleaseEndpoint();
  relay_.Release(worker_.pipes());
  state_.bytes_received = relay_.read_from(Peer::kClient);
  state_.bytes_sent = DeliveredTo(Peer::kClient);
  CloseSession(worker_, served_, reason, state_);
  worker_.loop().Retire(std::unique_ptr<TcpSession>(this));
}

SocketAddress LocalAddress(int fd, const SocketAddress& listener) {
  if (!listener.is_wildcard()) return listener;
  sockaddr_storage storage;
  socklen_t length = sizeof(storage);
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (::getsockname(fd, address, &length) != 0) return listener;
  return SocketAddress::FromSockaddr(address, length);
}

}  // namespace

void StartTcpSession(WorkerContext& worker, const std::shared_ptr<WorkerListener>& listener,
                     UniqueFd client, const SocketAddress& peer) {
  const int fd = client.get();
  auto session = std::make_unique<TcpSession>(worker, *listener, std::move(client));
  SessionState& state = session->state();
  state.client = peer.Unmapped();
  state.local = LocalAddress(fd, listener->address);
  OpenSession(worker, listener, Protocol::kTcp, state);
  session.release()->Start();
}

}  // namespace sluice::dataplane
