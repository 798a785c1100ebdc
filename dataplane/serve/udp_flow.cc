#include "dataplane/serve/udp_flow.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <limits>
#include <string>

#include "dataplane/loop/descriptor_limit.h"
#include "dataplane/relay/udp_socket.h"
#include "dataplane/relay/udp_workspace.h"
#include "dataplane/serve/endpoint_connect.h"
#include "dataplane/serve/session_ends.h"
#include "dataplane/serve/udp_flows.h"
#include "dataplane/serve/worker_context.h"

namespace sluice::dataplane {
namespace {

// How often a flow with much to receive is asked in one round.
constexpr int kReceivesPerRound = 4;

std::int64_t WholeSeconds(MonotonicTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

UdpFlow::UdpFlow(WorkerContext& worker, UdpFlows& owner,
                 const std::shared_ptr<WorkerListener>& served, int listen_fd,
                 const UdpFlowKey& key)
    : UdpReplyTarget(listen_fd, key), worker_(worker), owner_(owner), served_(*served) {
  const SocketAddress& address = served->config->address;
  state_.client = key.Client().Unmapped();
  state_.local = key.has_local() ? key.Local(address.port()) : address;
  BeginSession(worker, served, Protocol::kUdp, state_);
  last_activity_ = state_.start;
}

UpstreamCounters& UdpFlow::upstream_counters() const { return state_.upstream->counters; }

CloseReason UdpFlow::Open() {
  if (worker_.udp().flows >= limits::kUdpFlows) return CloseReason::kResourcesExhausted;
  std::size_t next_step = 0;
  CloseReason reason = served_.config->phases.Run(state_, next_step);
  if (reason == CloseReason::kOpen) reason = ConnectSomewhere();
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

// UDP's connect only fails for reasons on this machine: no route, no port, no descriptor.
CloseReason UdpFlow::ConnectSomewhere() {
  state_.upstream = served_.upstreams[state_.route]->in_force;
  const UpstreamConfig& upstream = *state_.upstream->config;
  const Balancer& balancer = *upstream.balancer;
  BalancerMemory& memory = *state_.upstream->memory;
  UpstreamCounters& counters = upstream_counters();
  Tries tries;
  std::string& key = worker_.EmptyText();
  if (upstream.hash_key != nullptr) upstream.hash_key->Render(state_, key);
  const PickInput input{.client = &state_.client,
                        .key = key,
                        .now_s = WholeSeconds(worker_.loop().now()),
                        .random = &worker_.random()};
  CloseReason failure = CloseReason::kNoEndpoint;
  for (std::size_t i = 0; i < limits::kConnectAttempts; ++i) {
    const auto picked = balancer.Pick(input, memory, tries);
    if (!picked) break;
    (i == 0 ? counters.sessions : counters.retries).Add();
    Attempt& attempt = state_.attempts.emplace_back();
    attempt.endpoint = *picked;
    attempt.start = worker_.loop().now();
    const int error = OpenSocket(*picked);
    if (error == 0) {
      attempt.connect_time = std::chrono::milliseconds(0);
      return CloseReason::kOpen;
    }
    failure = CloseReason::kResourcesExhausted;
    if (FaultOf(error) == ConnectFault::kEndpoint) {
      failure = CloseReason::kConnectFailed;
      counters.connect_failures.Add();
      balancer.Failed(*picked, input.now_s, memory);
    }
    balancer.Release(*picked);
    if (FaultOf(error) == ConnectFault::kOurs) break;
  }
  if (state_.attempts.empty()) counters.no_endpoint.Add();
  return failure;
}

int UdpFlow::OpenSocket(std::uint32_t endpoint) {
  const SocketAddress& address = state_.upstream->config->balancer->endpoints()[endpoint].address;
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
  return 0;
}

std::uint32_t UdpFlow::Remaining() const {
  if (settings().max_requests == 0) return std::numeric_limits<std::uint32_t>::max();
  return settings().max_requests - static_cast<std::uint32_t>(requests_);
}

std::size_t UdpFlow::Forward(std::span<const UdpRun> runs) {
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
  state_.bytes_received += received;
  served_.counters.bytes_received.Add(received);
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

std::optional<MonotonicTime> UdpFlow::IdleDeadline() const {
  if (settings().idle_timeout.count() == 0) return std::nullopt;
  return last_activity_ + settings().idle_timeout;
}

std::optional<MonotonicTime> UdpFlow::SessionDeadline() const {
  if (settings().session_timeout.count() == 0) return std::nullopt;
  return state_.start + settings().session_timeout;
}

void UdpFlow::ArmTimer() {
  const auto idle = IdleDeadline();
  const auto session = SessionDeadline();
  if (!idle && !session) return;
  const auto deadline = idle && session ? std::min(*idle, *session) : (idle ? *idle : *session);
  worker_.loop().timers().Arm(*this, deadline);
}

void UdpFlow::OnTimer() {
  const MonotonicTime now = worker_.loop().now();
  const auto session = SessionDeadline();
  if (session && *session <= now) return End(CloseReason::kSessionTimeout);
  const auto idle = IdleDeadline();
  if (!idle || *idle > now) return ArmTimer();  // There was traffic meanwhile.
  if (!HasItsResponses()) return End(CloseReason::kUdpNoResponse);
  End(Remaining() == 0 ? CloseReason::kUdpRequestsComplete : CloseReason::kUdpIdle);
}

void UdpFlow::End(CloseReason reason) {
  if (queued_ != 0) worker_.udp().replies.Flush();
  if (ended()) return;
  worker_.loop().timers().Cancel(*this);
  worker_.loop().CancelAgain(*this);
  Leave();
  socket_.reset();
  worker_.accept_gate().DescriptorsFreed();
  --worker_.udp().flows;

  Attempt& attempt = state_.attempts.back();
  attempt.session_time = Since(attempt.start, worker_.loop().now());
  const Balancer& balancer = *state_.upstream->config->balancer;
  if (reason == CloseReason::kUdpNoResponse || reason == CloseReason::kUdpEndpointRefused) {
    balancer.Failed(attempt.endpoint, WholeSeconds(worker_.loop().now()), *state_.upstream->memory);
    upstream_counters().connect_failures.Add();
  } else {
    balancer.Succeeded(attempt.endpoint);
  }
  balancer.Release(attempt.endpoint);
  CloseSession(worker_, served_, reason, state_);
  owner_.OnFlowEnded(*this);
}

}  // namespace sluice::dataplane
