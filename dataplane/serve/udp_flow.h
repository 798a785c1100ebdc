// One UDP flow from its first datagram to the log: what a client address and an endpoint exchange.
// It owns a socket connected to its endpoint, and keeps the configuration it began with. While idle
// it is this object, one Attempt, and nothing else. Worker thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "common/base/unique_fd.h"
#include "dataplane/config/worker_listener.h"
#include "dataplane/loop/event_loop.h"
#include "dataplane/relay/udp_forward.h"
#include "dataplane/relay/udp_replies.h"
#include "dataplane/serve/live_sessions.h"
#include "dataplane/session/session_state.h"
#include "dataplane/session/udp_flow_key.h"

namespace sluice::dataplane {

class UdpFlows;
class WorkerContext;

class UdpFlow final : public Retirable,
                      public UdpReplyTarget,
                      private LiveSession,
                      private IoHandler,
                      private Timer {
 public:
  UdpFlow(WorkerContext& worker, UdpFlows& owner, const std::shared_ptr<WorkerListener>& served,
          int listen_fd, const UdpFlowKey& key);

  // Runs the phases, picks an endpoint and opens the socket. kOpen: the flow is under way and
  // counted. Otherwise it is over before it has begun: Refuse() counts and logs it, or, when it is
  // simply destroyed, it leaves no trace.
  CloseReason Open();
  void Refuse(CloseReason reason);

  bool ended() const { return state_.close_reason != CloseReason::kOpen; }
  // How many more datagrams of the client belong to this flow.
  std::uint32_t Remaining() const;
  // These datagrams belong to this flow; Forward() follows.
  void Expect(const UdpRun& run) { requests_ += run.datagrams; }
  // At most limits::kUdpBatch. Returns how many were dealt with: fewer than all, with the flow
  // ended, when it turns out that the endpoint has refused what came before.
  std::size_t Forward(std::span<const UdpRun> runs);

  // For the owner, while it hands out the datagrams of one batch: the first and last of this
  // flow's.
  static constexpr std::uint32_t kNoRun = 0xffffffff;
  std::uint32_t first_run = kNoRun;
  std::uint32_t last_run = kNoRun;

 private:
  void OnEvents(std::uint32_t events) override;
  void OnTimer() override;
  void CloseForShutdown() override { End(CloseReason::kShutdown); }
  void OnRepliesSent(std::size_t bytes, std::uint32_t datagrams,
                     const UdpSendOutcome& outcome) override;

  CloseReason ConnectSomewhere();
  int OpenSocket(std::uint32_t endpoint);
  bool HasItsResponses() const;
  void EndIfComplete();
  void End(CloseReason reason);
  std::optional<MonotonicTime> IdleDeadline() const;
  std::optional<MonotonicTime> SessionDeadline() const;
  void ArmTimer();
  UpstreamCounters& upstream_counters() const;

  const UdpSettings& settings() const { return served_.config->udp; }

  WorkerContext& worker_;
  UdpFlows& owner_;
  WorkerListener& served_;  // Kept alive by state_.listener.
  MonotonicTime last_activity_;
  std::uint64_t requests_ = 0;  // Datagrams of the client.
  std::uint64_t responses_ = 0;
  UniqueFd socket_;
  std::uint32_t queued_ = 0;  // Replies received but not sent yet, in messages.
  SessionState state_;
};

}  // namespace sluice::dataplane
