// The phases between accept and connect, as nginx stream has them: each is a list of handlers,
// asked in order. A handler decides on plain data (SessionState, the client's first bytes) and
// never performs I/O, so that it and its test need no socket. One that cannot decide yet asks for
// more bytes, or for a task to be waited for; serve/ peeks, waits and wakes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "dataplane/loop/event_loop.h"
#include "dataplane/session/close_reason.h"
#include "dataplane/session/phase.h"
#include "dataplane/session/session_state.h"

namespace sluice::dataplane {

// What the client has sent so far. It stays in the socket (TCP) or with the flow (UDP): whoever
// comes later reads it again. Valid during one PhaseHandler::Run or PhaseTask::Finish.
struct FirstBytes {
  std::span<const char> bytes;  // At most limits::kFirstBytes.
  // UDP: the sizes of the datagrams that `bytes` is made of. TCP: empty.
  std::span<const std::uint32_t> datagrams;
  bool complete = false;  // The client has ended its direction: no more will come.
};

// Wakes the session that waits for a task.
class PhaseWaker {
 public:
  // The task is done; the phases go on once the call into the task that says so has returned, at
  // the latest in the loop's next round. May be called from within Start(). Not after the task has
  // been destroyed.
  virtual void Wake() = 0;

 protected:
  ~PhaseWaker() = default;
};

class Verdict;

// What a phase waits for: a timer, a look-up, a handshake. It lives from the verdict that brought
// it until it has woken the session, the step's deadline has passed or the session has ended,
// whichever is first: destroying it cancels it. Worker thread only.
class PhaseTask {
 public:
  virtual ~PhaseTask() = default;

  struct Surroundings {
    EventLoop& loop;
    int client_fd;  // Registered with the loop for kAllEdges; -1 for UDP. Not to be closed.
    PhaseWaker& waker;
  };
  virtual void Start(const Surroundings& surroundings) = 0;
  // The client's socket raised these events (EPOLL bits); not of UDP.
  virtual void OnClientEvents(std::uint32_t events) { static_cast<void>(events); }
  // After it has woken the session: how the phases go on, as if the handler had answered.
  virtual Verdict Finish(SessionState& session, const FirstBytes& first) = 0;
};

// What a handler answers.
class Verdict {
 public:
  enum class Action : std::uint8_t { kNextHandler, kNextPhase, kClose, kNeedBytes, kWait };

  static Verdict NextHandler() { return Verdict(Action::kNextHandler, CloseReason::kOpen); }
  // Skips the other handlers of this phase.
  static Verdict NextPhase() { return Verdict(Action::kNextPhase, CloseReason::kOpen); }
  static Verdict Close(CloseReason reason) { return Verdict(Action::kClose, reason); }
  // The handler is asked again when the client has sent `bytes` in all (more than it had been
  // shown), or has ended. A session that has filled limits::kFirstBytes is closed instead.
  static Verdict NeedBytes(std::size_t bytes) {
    Verdict verdict(Action::kNeedBytes, CloseReason::kOpen);
    verdict.bytes_ = bytes;
    return verdict;
  }
  static Verdict Wait(std::unique_ptr<PhaseTask> task) {
    Verdict verdict(Action::kWait, CloseReason::kOpen);
    verdict.task_ = std::move(task);
    return verdict;
  }

  Action action() const { return action_; }
  CloseReason reason() const { return reason_; }
  std::size_t bytes() const { return bytes_; }
  std::unique_ptr<PhaseTask> TakeTask() { return std::move(task_); }

 private:
  Verdict(Action action, CloseReason reason) : action_(action), reason_(reason) {}
  Action action_;
  CloseReason reason_;
  std::size_t bytes_ = 0;
  std::unique_ptr<PhaseTask> task_;
};

// Immutable; one object serves all workers.
class PhaseHandler {
 public:
  virtual ~PhaseHandler() = default;
  // `first` may be empty until a handler of the session has asked for bytes or waited.
  virtual Verdict Run(SessionState& session, const FirstBytes& first) const = 0;
};

struct PhaseStep {
  Phase phase;
  std::unique_ptr<const PhaseHandler> handler;
  // How long a session may wait in this step, however often it asks.
  std::chrono::milliseconds timeout = limits::kPhaseTimeout;
};

// The handlers of one listener, sorted by phase. Built by compile/; immutable.
using PhaseChain = std::vector<PhaseStep>;

}  // namespace sluice::dataplane
