#include "dataplane/serve/udp_flow.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "dataplane/loop/descriptor_limit.h"
#include "dataplane/relay/udp_socket.h"
#include "dataplane/relay/udp_workspace.h"
#include "dataplane/serve/attempts.h"
#include "dataplane/serve/endpoint_connect.h"
#include "dataplane/serve/session_ends.h"
#include "dataplane/serve/udp_flows.h"
#include "dataplane/serve/worker_context.h"

namespace sluice::dataplane {
namespace {

// How often a flow with much to receive is asked in one round.
constexpr int kReceivesPerRound = 4;

// Calls `take` with each datagram of the run.
template <typename Take>
void ForEachDatagram(const UdpRun& run, Take take) {
  std::size_t at = 0;
  for (std::uint32_t i = 0; i < run.datagrams; ++i) {
    const std::size_t size =
        run.segment == 0 ? run.size : std::min<std::size_t>(run.segment, run.size - at);
    take(std::string_view(run.data + at, size));
    at += size;
  }
}

// As much of the run as a flow may keep.
FirstBytes Shown(const UdpRun& run,
                 std::array<std::uint32_t, limits::kUdpWaitingDatagrams>& sizes) {
  std::size_t count = 0;
  std::size_t bytes = 0;
  bool full = false;
  ForEachDatagram(run, [&](std::string_view datagram) {
    full = full || count == sizes.size() || bytes + datagram.size() > limits::kUdpWaitingBytes;
    if (full) return;
    sizes[count++] = static_cast<std::uint32_t>(datagram.size());
    bytes += datagram.size();
  });
  return {
      .bytes = {run.data, bytes}, .datagrams = std::span(sizes).first(count), .complete = false};
}

}  // namespace

UdpFlow::UdpFlow(WorkerContext& worker, UdpFlows& owner,
                 const std::shared_ptr<WorkerListener>& served, int listen_fd,
                 const UdpFlowKey& key)
    : UdpReplyTarget(listen_fd, key), worker_(worker), owner_(owner), served_(*served) {
  const SocketAddress& address = served->address;
  state_.client = key.Client().Unmapped();
  state_.local = key.has_local() ? key.Local(address.port()) : address;
  BeginSession(worker, served, Protocol::kUdp, state_);
  last_activity_ = state_.start;
}

UpstreamCounters& UdpFlow::upstream_counters() const { return state_.upstream->counters; }

CloseReason UdpFlow::Open(const UdpRun& first) {
  if (worker_.udp().flows >= limits::kUdpFlows) return CloseReason::kResourcesExhausted;
  const PhaseChain& chain = served_.config->phases;
  PhaseRun phases;
  PhaseRun::State state = phases.Continue(chain, state_, {});
  if (state == PhaseRun::State::kNeedsBytes) {
    // The first datagrams are shown where they are: most that want to see them need no more.
    std::array<std::uint32_t, limits::kUdpWaitingDatagrams> sizes;
    const FirstBytes shown = Shown(first, sizes);
    while (state == PhaseRun::State::kNeedsBytes && phases.needed() <= shown.bytes.size()) {
      state = phases.Continue(chain, state_, shown);
    }
  }
  switch (state) {
    case PhaseRun::State::kPassed:
      break;
    case PhaseRun::State::kClosed:
      return phases.reason();
    case PhaseRun::State::kNeedsBytes:
    case PhaseRun::State::kWaits:
      WaitInPhases(std::move(phases));
      return CloseReason::kOpen;
  }
  const CloseReason reason = ConnectSomewhere();
  if (reason != CloseReason::kOpen) return reason;
  CountOpened(worker_, served_);
  worker_.sessions().Join(*this);
  ++worker_.udp().flows;
  ArmTimer();
  return CloseReason::kOpen;
}

void UdpFlow::Refuse(CloseReason reason) {
  CountOpened(worker_, served_);
  CloseSession(worker_, served_, reason, state_);
}

// The datagrams themselves follow by Forward().
void UdpFlow::WaitInPhases(PhaseRun phases) {
  CountOpened(worker_, served_);
  worker_.sessions().Join(*this);
  ++worker_.udp().flows;
  waiting_ = std::make_unique<Waiting>();
  waiting_->phases = std::move(phases);
  ArmTimer();
  // One whose task throws at once is ended in the loop's next round: its owner has it in hand.
  if (waiting_->phases.state() == PhaseRun::State::kWaits &&
      waiting_->phases.Start(state_, {worker_.loop(), -1, *this}) == PhaseRun::State::kClosed) {
    worker_.loop().Again(*this);
  }
}

bool UdpFlow::Keep(std::span<const UdpRun> runs) {
  bool all = true;
  std::size_t& total = worker_.udp().waiting_bytes;
  for (const UdpRun& run : runs) {
    ForEachDatagram(run, [&](std::string_view datagram) {
      if (waiting_->datagrams.size() == limits::kUdpWaitingDatagrams ||
          waiting_->bytes.size() + datagram.size() > limits::kUdpWaitingBytes ||
          total + datagram.size() > limits::kUdpWaitingBytesTotal) {
        served_.counters.datagrams_dropped.Add();
        all = false;
        return;
      }
      waiting_->bytes += datagram;
      waiting_->datagrams.push_back(static_cast<std::uint32_t>(datagram.size()));
      total += datagram.size();
    });
    CountReceived(run.size);
  }
  return all;
}

void UdpFlow::CountReceived(std::uint64_t bytes) {
  state_.bytes_received += bytes;
  served_.counters.bytes_received.Add(bytes);
}

FirstBytes UdpFlow::Kept() const {
  return {.bytes = waiting_->bytes, .datagrams = waiting_->datagrams, .complete = false};
}

// Until the phases have passed, closed the flow or wait.
void UdpFlow::FollowPhases(PhaseRun::State state) {
  const PhaseChain& chain = served_.config->phases;
  while (true) {
    switch (state) {
      case PhaseRun::State::kPassed:
        return LeavePhases();
      case PhaseRun::State::kClosed:
        return End(waiting_->phases.reason());
      case PhaseRun::State::kWaits:
        waiting_->task_done = false;
        state = waiting_->phases.Start(state_, {worker_.loop(), -1, *this});
        if (state == PhaseRun::State::kWaits) return ArmTimer();
        break;
      case PhaseRun::State::kNeedsBytes:
        if (waiting_->bytes.size() < waiting_->phases.needed()) return ArmTimer();
        state = waiting_->phases.Continue(chain, state_, Kept());
    }
  }
}

// Not at once: the task may be in the middle of something.
void UdpFlow::Wake() {
  waiting_->task_done = true;
  worker_.loop().Again(*this);
}

void UdpFlow::LeavePhases() {
  const CloseReason reason = ConnectSomewhere();
  if (reason != CloseReason::kOpen) return End(reason);
  const std::unique_ptr<Waiting> kept = std::move(waiting_);
  worker_.udp().waiting_bytes -= kept->bytes.size();
  last_activity_ = worker_.loop().now();
  ArmTimer();
  ForwardKept(*kept);
}

void UdpFlow::ForwardKept(Waiting& kept) {
  std::vector<UdpRun> runs;
  char* at = kept.bytes.data();
  for (const std::uint32_t size : kept.datagrams) {
    runs.push_back({.data = at, .size = size});
    at += size;
  }
  std::span<const UdpRun> left = runs;
  while (!left.empty() && !ended()) {
    left = left.subspan(Send(left.first(std::min(left.size(), limits::kUdpBatch)), true));
  }
  if (!left.empty()) served_.counters.datagrams_dropped.Add(left.size());
}

// UDP's connect only fails for reasons on this machine: no route, no port, no descriptor.
CloseReason UdpFlow::ConnectSomewhere() {
  state_.upstream = served_.upstreams[state_.route]->in_force;
  Tries tries;
  CloseReason failure = CloseReason::kNoEndpoint;
  while (state_.attempts.size() < limits::kConnectAttempts &&
         BeginAttempt(worker_, state_, tries)) {
    const int error = OpenSocket(EndpointInHand(state_).address);
    if (error == 0) {
      state_.attempts.back().connect_time = std::chrono::milliseconds(0);
      return CloseReason::kOpen;
    }
    const AttemptFailure failed = FailAttempt(worker_, state_, error);
    FinishAttempt(worker_, state_);
    failure = failed.reason;
    if (failed.fault == ConnectFault::kOurs) break;
  }
  return failure;
}

int UdpFlow::OpenSocket(const SocketAddress& address) {
  UniqueFd socket(::socket(address.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return errno;
  if (IsReservedDescriptor(socket.get())) return EMFILE;
  ConfigureUdpEndpointSocket(socket.get(), served_.config->socket);
  sockaddr_storage storage;
  const socklen_t length = address.ToSockaddr(storage);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&storage), length) != 0) {
    // EAGAIN: no local port is left.
    return errno == EAGAIN ? EADDRNOTAVAIL : errno;
  }
  if (worker_.loop().Add(socket.get(), EPOLLIN | EPOLLET, *this) != 0) return ENOMEM;
  socket_ = std::move(socket);
  had_endpoint_ = true;
  return 0;
}

std::uint32_t UdpFlow::Remaining() const {
  if (settings().max_requests == 0) return std::numeric_limits<std::uint32_t>::max();
  return settings().max_requests - static_cast<std::uint32_t>(requests_);
}

std::size_t UdpFlow::Forward(std::span<const UdpRun> runs) {
  if (waiting_ == nullptr) return Send(runs, false);
  const bool all = Keep(runs);
  if (waiting_->phases.state() == PhaseRun::State::kNeedsBytes) {
    FollowPhases(PhaseRun::State::kNeedsBytes);
    const bool needs_more =
        !ended() && waiting_ != nullptr && waiting_->phases.state() == PhaseRun::State::kNeedsBytes;
    if (needs_more && !all) End(CloseReason::kPrereadFull);
  }
  return runs.size();
}

std::size_t UdpFlow::Send(std::span<const UdpRun> runs, bool counted) {
  std::array<UdpSendOutcome, limits::kUdpBatch> outcomes;
  const std::size_t done = ForwardUdp(socket_.get(), runs, outcomes);
  last_activity_ = worker_.loop().now();
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
  std::uint64_t dropped = 0;
  bool refused = false;
  for (std::size_t i = 0; i < done; ++i) {
    refused = IsUdpRefusal(outcomes[i].error);
    if (refused) break;
    received += runs[i].size;
    if (outcomes[i].error == 0) sent += runs[i].size;
    dropped += runs[i].datagrams - outcomes[i].datagrams;
  }
  if (!counted) CountReceived(received);
  state_.attempts.back().bytes_sent += sent;
  upstream_counters().bytes_sent.Add(sent);
  if (dropped != 0) served_.counters.datagrams_dropped.Add(dropped);
  if (refused) {
    End(CloseReason::kUdpEndpointRefused);
    return done - 1;
  }
  EndIfComplete();
  return done;
}

void UdpFlow::OnEvents(std::uint32_t events) {
  if (waiting_ != nullptr) {
    if (waiting_->phases.state() == PhaseRun::State::kClosed) return End(waiting_->phases.reason());
    if (!waiting_->task_done) return;
    waiting_->task_done = false;
    return FollowPhases(waiting_->phases.Finish(served_.config->phases, state_, Kept()));
  }
  for (int i = 0; i < kReceivesPerRound; ++i) {
    if (ended()) return;
    const UdpReplies::Received received = worker_.udp().replies.Receive(socket_.get(), *this);
    if (received.error != 0) {
      if (IsUdpRefusal(received.error)) return End(CloseReason::kUdpEndpointRefused);
      continue;  // Of one datagram, or told by the kernel about one that we sent.
    }
    if (received.messages != 0) {
      queued_ += received.messages;
      last_activity_ = worker_.loop().now();
      Attempt& attempt = state_.attempts.back();
      attempt.bytes_received += received.bytes;
      if (attempt.first_byte_time.count() < 0) {
        attempt.first_byte_time = Since(attempt.start, worker_.loop().now());
      }
      upstream_counters().bytes_received.Add(received.bytes);
    }
    // An error that waits behind datagrams raises no event of its own.
    if (!received.more && (events & EPOLLERR) == 0) return;
    if (received.messages == 0) return;
  }
  worker_.loop().Again(*this);
}

void UdpFlow::OnRepliesSent(std::size_t bytes, std::uint32_t datagrams,
                            const UdpSendOutcome& outcome) {
  --queued_;
  if (outcome.error == 0) {
    state_.bytes_sent += bytes;
    served_.counters.bytes_sent.Add(bytes);
  }
  served_.counters.datagrams_sent.Add(outcome.datagrams);
  if (outcome.datagrams != datagrams) {
    served_.counters.datagrams_dropped.Add(datagrams - outcome.datagrams);
  }
  responses_ += datagrams;  // Of the endpoint, whether or not the client's network took them.
  EndIfComplete();
}

bool UdpFlow::HasItsResponses() const {
  return !settings().expected_responses || responses_ >= *settings().expected_responses * requests_;
}

void UdpFlow::EndIfComplete() {
  if (ended() || queued_ != 0 || !settings().expected_responses || !HasItsResponses()) return;
  End(CloseReason::kUdpResponsesComplete);
}

Deadlines UdpFlow::deadlines() {
  return {waiting_ != nullptr
              ? waiting_->phases.Deadline(served_.config->phases, worker_.loop().now())
              : DeadlineAfter(last_activity_, settings().idle_timeout),
          DeadlineAfter(state_.start, settings().session_timeout)};
}

void UdpFlow::ArmTimer() { deadlines().Arm(worker_.loop().timers(), *this); }

void UdpFlow::OnTimer() {
  switch (deadlines().At(worker_.loop().now())) {
    case Deadlines::Passed::kNone:
      return ArmTimer();  // There was traffic meanwhile.
    case Deadlines::Passed::kSession:
      return End(CloseReason::kSessionTimeout);
    case Deadlines::Passed::kStage:
      break;
  }
  if (waiting_ != nullptr) return End(CloseReason::kPhaseTimeout);
  if (!HasItsResponses()) return End(CloseReason::kUdpNoResponse);
  End(Remaining() == 0 ? CloseReason::kUdpRequestsComplete : CloseReason::kUdpIdle);
}

void UdpFlow::End(CloseReason reason) {
  if (queued_ != 0) worker_.udp().replies.Flush();
  if (ended()) return;
  worker_.loop().timers().Cancel(*this);
  worker_.loop().CancelAgain(*this);
  Leave();
  if (waiting_ != nullptr) {
    worker_.udp().waiting_bytes -= waiting_->bytes.size();
    waiting_ = nullptr;  // And with it a task that is under way.
  }
  if (socket_) ReleaseEndpoint(reason);
  socket_.reset();
  worker_.accept_gate().DescriptorsFreed();
  --worker_.udp().flows;
  CloseSession(worker_, served_, reason, state_);
  owner_.OnFlowEnded(*this);
}

void UdpFlow::ReleaseEndpoint(CloseReason reason) {
  if (reason == CloseReason::kUdpNoResponse || reason == CloseReason::kUdpEndpointRefused) {
    FailAttempt(worker_, state_, reason == CloseReason::kUdpNoResponse ? ETIMEDOUT : ECONNREFUSED);
  } else {
    SucceedAttempt(worker_, state_);
  }
  FinishAttempt(worker_, state_);
}

}  // namespace sluice::dataplane
