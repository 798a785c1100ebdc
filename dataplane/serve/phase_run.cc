#include "dataplane/serve/phase_run.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "common/base/limits.h"
#include "common/log/event_limit.h"
#include "common/log/event_log.h"
#include "dataplane/config/runtime_config.h"

namespace sluice::dataplane {
namespace {

// A library that a handler uses has thrown. That session is closed; the log is told, but not for
// every client that may know how to bring it about.
void LogFailure(const SessionState& session, const char* what) {
  static thread_local EventLimit limit(1, std::chrono::seconds(10));
  const auto held_back = limit.Pass(std::chrono::steady_clock::now());
  if (!held_back) return;
  LogEvent(LogLevel::kError, "phase_handler_failed",
           {{"listener", session.listener->shared->name},
            {"message", what},
            {"more_events_held_back", *held_back}});
}

}  // namespace

PhaseRun::State PhaseRun::Continue(const PhaseChain& chain, SessionState& session,
                                   const FirstBytes& first) {
  try {
    while (next_ < chain.size()) {
      Verdict verdict = chain[next_].handler->Run(session, first);
      if (!Decide(chain, first, verdict)) {
        session.phase = chain[next_].phase;
        return state_;
      }
    }
  } catch (const std::exception& error) {
    LogFailure(session, error.what());
    session.phase = chain[next_].phase;
    return Close(CloseReason::kInternalError);
  }
  session.phase.reset();
  return state_ = State::kPassed;
}

PhaseRun::State PhaseRun::Start(const SessionState& session,
                                const PhaseTask::Surroundings& surroundings) {
  try {
    task_->Start(surroundings);
  } catch (const std::exception& error) {
    LogFailure(session, error.what());
    return Close(CloseReason::kInternalError);
  }
  return state_;
}

PhaseRun::State PhaseRun::OnClientEvents(const SessionState& session, std::uint32_t events) {
  try {
    task_->OnClientEvents(events);
  } catch (const std::exception& error) {
    LogFailure(session, error.what());
    return Close(CloseReason::kInternalError);
  }
  return state_;
}

PhaseRun::State PhaseRun::Finish(const PhaseChain& chain, SessionState& session,
                                 const FirstBytes& first) {
  const std::unique_ptr<PhaseTask> task = std::move(task_);
  try {
    Verdict verdict = task->Finish(session, first);
    if (!Decide(chain, first, verdict)) {
      session.phase = chain[next_].phase;
      return state_;
    }
  } catch (const std::exception& error) {
    LogFailure(session, error.what());
    return Close(CloseReason::kInternalError);
  }
  return Continue(chain, session, first);
}

bool PhaseRun::Decide(const PhaseChain& chain, const FirstBytes& first, Verdict& verdict) {
  switch (verdict.action()) {
    case Verdict::Action::kNextHandler:
      LeaveStep();
      return true;
    case Verdict::Action::kNextPhase: {
      const Phase phase = chain[next_].phase;
      do {
        LeaveStep();
      } while (next_ < chain.size() && chain[next_].phase == phase);
      return true;
    }
    case Verdict::Action::kClose:
      Close(verdict.reason());
      return false;
    case Verdict::Action::kNeedBytes:
      if (first.complete) {
        Close(CloseReason::kClientAborted);
      } else if (first.bytes.size() >= limits::kFirstBytes) {
        Close(CloseReason::kPrereadFull);
      } else {
        // One byte more than it has seen at least: a handler cannot make the session spin.
        needed_ = std::min(std::max(verdict.bytes(), first.bytes.size() + 1), limits::kFirstBytes);
        state_ = State::kNeedsBytes;
      }
      return false;
    case Verdict::Action::kWait:
      task_ = verdict.TakeTask();
      state_ = State::kWaits;
      return false;
  }
  return false;
}

PhaseRun::State PhaseRun::Close(CloseReason reason) {
  reason_ = reason;
  return state_ = State::kClosed;
}

void PhaseRun::LeaveStep() {
  ++next_;
  deadline_ = {};
}

MonotonicTime PhaseRun::Deadline(const PhaseChain& chain, MonotonicTime now) {
  if (deadline_ == MonotonicTime{}) deadline_ = now + chain[next_].timeout;
  return deadline_;
}

}  // namespace sluice::dataplane
