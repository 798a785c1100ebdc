// One session's way through the phases of its listener: which handler is asked next, what it waits
// for and until when. No sockets here: TcpSession and UdpFlow show it what the client has sent,
// start the task it waits for and keep its deadline. Worker thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "dataplane/config/phase_handler.h"
#include "dataplane/loop/event_loop.h"
#include "dataplane/session/close_reason.h"

namespace sluice::dataplane {

class PhaseRun {
 public:
  enum class State : std::uint8_t {
    kPassed,      // All phases: session.route is set.
    kClosed,      // reason() says why.
    kNeedsBytes,  // needed() bytes in all, or the client's end.
    kWaits,       // For a task, which is to be started by Start().
  };

  // Asks handlers until one of these states is reached. Called first with nothing shown, then when
  // what it needed is there.
  State Continue(const PhaseChain& chain, SessionState& session, const FirstBytes& first);
  // Starts what it waits for. kWaits, or kClosed when the task has thrown.
  State Start(const SessionState& session, const PhaseTask::Surroundings& surroundings);
  // For the task that it waits for. As Start().
  State OnClientEvents(const SessionState& session, std::uint32_t events);
  // The task has woken the session.
  State Finish(const PhaseChain& chain, SessionState& session, const FirstBytes& first);

  State state() const { return state_; }
  CloseReason reason() const { return reason_; }
  std::size_t needed() const { return needed_; }

  // By when the step that waits must have its answer. Set when it waits for the first time.
  MonotonicTime Deadline(const PhaseChain& chain, MonotonicTime now);

 private:
  // False: the state has been reached.
  bool Decide(const PhaseChain& chain, const FirstBytes& first, Verdict& verdict);
  State Close(CloseReason reason);
  void LeaveStep();

  std::size_t next_ = 0;  // The step in hand.
  std::size_t needed_ = 0;
  std::unique_ptr<PhaseTask> task_;
  MonotonicTime deadline_{};  // None while the epoch.
  State state_ = State::kPassed;
  CloseReason reason_ = CloseReason::kOpen;
};

}  // namespace sluice::dataplane
