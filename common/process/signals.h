// What signals ask of a process, alike for both planes. docs/operations.md holds the table:
//
//   SIGTERM SIGINT SIGQUIT   stop in order; the second of them ends the process at once
//   SIGHUP                   reload what there is to reload
//   SIGUSR1                  reopen logs
//   SIGUSR2                  kept for handing over to a new process; until then logged only
//
// A thread of its own takes them, so that a second stop is heard whatever all others wait for, and
// a stop that does not come to its end in time is ended.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace sluice {

// For main, before the first thread starts. Undoes what the parent blocked or ignored; the signals
// above wait from now on until a SignalThread takes them. Writing to a closed pipe, or beyond the
// limit of a file's size, is an error from now on and no signal.
void HoldSignals();

// All are called on the signal thread and must not block.
struct SignalHandlers {
  // Begins to stop; called once. The answer: within what time the process must have ended. It is
  // ended then, with exit status 1; or by SIGALRM two seconds later, should it hang so badly that
  // nothing can be logged.
  std::function<std::chrono::milliseconds()> stop;
  std::function<void()> reload;
  std::function<void()> reopen_logs;
};

class SignalThread {
 public:
  // After HoldSignals().
  explicit SignalThread(SignalHandlers handlers);
  // No handler runs any more.
  ~SignalThread();
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;

 private:
  class Loop;
  const std::unique_ptr<Loop> loop_;
};

}  // namespace sluice
