// One UDP flow from its first datagram to the log: what a client address and an endpoint exchange.
// While its phases wait it keeps the datagrams that arrive, bounded. Then it owns a socket
// connected to its endpoint. It keeps the configuration it began with; while idle it is this
// object, one Attempt, and nothing else. Worker thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/unique_fd.h"
#include "dataplane/config/worker_listener.h"
#include "dataplane/loop/event_loop.h"
#include "dataplane/relay/udp_forward.h"
#include "dataplane/relay/udp_replies.h"
#include "dataplane/serve/deadlines.h"
#include "dataplane/serve/live_sessions.h"
#include "dataplane/serve/phase_run.h"
#include "dataplane/session/session_state.h"
#include "dataplane/session/udp_flow_key.h"

namespace sluice::dataplane {

class UdpFlows;
class WorkerContext;

class UdpFlow final : public Retirable,
                      public UdpReplyTarget,
                      private LiveSession,
                      private IoHandler,
                      private Timer,
                      private PhaseWaker {
 public:
  UdpFlow(WorkerContext& worker, UdpFlows& owner, const std::shared_ptr<WorkerListener>& served,
          int listen_fd, const UdpFlowKey& key);

  // Runs the phases, for which the flow's first datagrams are `first`, picks an endpoint and opens
  // the socket. kOpen: the flow is under way, or its phases wait, and it is counted. Otherwise it
  // is over before it has begun: Refuse() counts and logs it, or, when it is simply destroyed, it
  // leaves no trace.
  CloseReason Open(const UdpRun& first);
  void Refuse(CloseReason reason);

  bool ended() const { return state_.close_reason != CloseReason::kOpen; }
  // Ended without ever having had an endpoint.
  bool was_refused() const { return !had_endpoint_; }
  // How many more datagrams of the client belong to this flow.
  std::uint32_t Remaining() const;
  // These datagrams belong to this flow; Forward() follows.
  void Expect(const UdpRun& run) { requests_ += run.datagrams; }
  // At most limits::kUdpBatch. Returns how many were dealt with: fewer than all, with the flow
  // ended, when it turns out that the endpoint has refused what came before. While the phases wait
  // they are kept, as far as they may.
  std::size_t Forward(std::span<const UdpRun> runs);

  // For the owner, while it hands out the datagrams of one batch: the first and last of this
  // flow's.
  static constexpr std::uint32_t kNoRun = 0xffffffff;
  std::uint32_t first_run = kNoRun;
  std::uint32_t last_run = kNoRun;

 private:
  // Only while the phases wait.
  struct Waiting {
    PhaseRun phases;
    bool task_done = false;
    std::string bytes;                     // Of the datagrams kept, in their order.
    std::vector<std::uint32_t> datagrams;  // Their sizes.
  };

  void OnEvents(std::uint32_t events) override;
  void OnTimer() override;
  void CloseForShutdown() override { End(CloseReason::kShutdown); }
  void OnRepliesSent(std::size_t bytes, std::uint32_t datagrams,
                     const UdpSendOutcome& outcome) override;

  void Wake() override;
  void WaitInPhases(PhaseRun phases);
  // False: not all of them, for want of room.
  bool Keep(std::span<const UdpRun> runs);
  void CountReceived(std::uint64_t bytes);
  FirstBytes Kept() const;
  void FollowPhases(PhaseRun::State state);
  void LeavePhases();
  void ForwardKept(Waiting& kept);
  // How many are done with; the flow may have ended meanwhile. `counted`: as received, when they
  // came.
  std::size_t Send(std::span<const UdpRun> runs, bool counted);

  CloseReason ConnectSomewhere();
  int OpenSocket(const SocketAddress& address);
  bool HasItsResponses() const;
  void EndIfComplete();
  void End(CloseReason reason);
  void ReleaseEndpoint(CloseReason reason);
  Deadlines deadlines();
  void ArmTimer();
  UpstreamCounters& upstream_counters() const;

  const UdpSettings& settings() const { return served_.config->udp; }

  WorkerContext& worker_;
  UdpFlows& owner_;
  WorkerListener& served_;  // Kept alive by state_.listener.
  MonotonicTime last_activity_;
  std::uint64_t requests_ = 0;  // Datagrams of the client.
  std::uint64_t responses_ = 0;
  std::unique_ptr<Waiting> waiting_;
  UniqueFd socket_;
  bool had_endpoint_ = false;
  std::uint32_t queued_ = 0;  // Replies received but not sent yet, in messages.
  SessionState state_;
};

}  // namespace sluice::dataplane
