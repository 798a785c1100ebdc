// The phases between accept and connect, as nginx stream has them: each is a list of handlers,
// asked in order. A handler decides on plain data (SessionState) and never performs I/O, so that it
// and its test need no socket.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "dataplane/session/close_reason.h"
#include "dataplane/session/session_state.h"

namespace sluice::dataplane {

// In the order they run.
enum class Phase : std::uint8_t { kPreaccess, kAccess, kContent };

// What a handler answers.
class Verdict {
 public:
  enum class Action : std::uint8_t { kNextHandler, kNextPhase, kClose };

  static Verdict NextHandler() { return Verdict(Action::kNextHandler, CloseReason::kOpen); }
  // Skips the other handlers of this phase.
  static Verdict NextPhase() { return Verdict(Action::kNextPhase, CloseReason::kOpen); }
  static Verdict Close(CloseReason reason) { return Verdict(Action::kClose, reason); }

  Action action() const { return action_; }
  CloseReason reason() const { return reason_; }

 private:
  Verdict(Action action, CloseReason reason) : action_(action), reason_(reason) {}
  Action action_;
  CloseReason reason_;
};

// Immutable; one object serves all workers.
class PhaseHandler {
 public:
  virtual ~PhaseHandler() = default;
  virtual Verdict Run(SessionState& session) const = 0;
};

struct PhaseStep {
  Phase phase;
  std::unique_ptr<const PhaseHandler> handler;
};

// The chain of one listener, sorted by phase. Built by compile/, immutable.
class PhaseChain {
 public:
  PhaseChain() = default;
  explicit PhaseChain(std::vector<PhaseStep> steps) : steps_(std::move(steps)) {}

  // Runs from step `next` on and leaves there where to go on, so that a session can be suspended
  // between two steps. kOpen: all phases passed and session.upstream is set.
  CloseReason Run(SessionState& session, std::size_t& next) const {
    while (next < steps_.size()) {
      const PhaseStep& step = steps_[next++];
      const Verdict verdict = step.handler->Run(session);
      if (verdict.action() == Verdict::Action::kClose) return verdict.reason();
      if (verdict.action() == Verdict::Action::kNextPhase) {
        while (next < steps_.size() && steps_[next].phase == step.phase) ++next;
      }
    }
    return CloseReason::kOpen;
  }

 private:
  std::vector<PhaseStep> steps_;
};

}  // namespace sluice::dataplane
