// The loop of one worker: epoll, timers, posted tasks, and the end of a round. One thread runs it
// and everything that is called from it (docs/adr/0001-worker-event-loop.md says why it is not
// Asio).
//
// A round: wait; hand out events; run who asked to go on; fire timers; run the round-end hooks;
// destroy what was retired. An object that handlers may still be called for in this round is never
// destroyed at once but retired, so a handler may meet an event for an object that has closed: it
// must ignore it.
// Loop's thread only, but for Post() and Stop().
#pragma once

#include <sys/epoll.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "common/base/error.h"
#include "common/base/mutex.h"
#include "common/base/unique_fd.h"
#include "dataplane/loop/timer_wheel.h"

namespace sluice::dataplane {

// One registration of a socket serves it for its whole life: edge-triggered, so that no epoll_ctl
// is needed to arm it again. EPOLLPRI because a read stops at urgent data, short of what there is.
inline constexpr std::uint32_t kAllEdges = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;

class EventLoop;

class IoHandler {
 public:
  IoHandler() = default;
  IoHandler(const IoHandler&) = delete;
  IoHandler& operator=(const IoHandler&) = delete;
  // `events`: EPOLL bits, or 0 when called because of EventLoop::Again().
  virtual void OnEvents(std::uint32_t events) = 0;

 protected:
  ~IoHandler() = default;

 private:
  friend class EventLoop;
  bool again_ = false;
};

class Retirable {
 public:
  virtual ~Retirable() = default;
};

class RoundEndHook {
 public:
  virtual void OnRoundEnd() = 0;

 protected:
  ~RoundEndHook() = default;
};

class EventLoop {
 public:
  static Result<std::unique_ptr<EventLoop>> Open();
  ~EventLoop();

  // Runs rounds until Stop(), then what was posted before it.
  void Run();
  // Thread-safe. The round in progress is finished.
  void Stop();
  // Thread-safe. Runs `task` on the loop's thread; in order. Never run once the loop has stopped.
  // At most limits::kPostedTasks may wait: their number is for the callers to bound.
  void Post(std::function<void()> task);

  // Registers `fd`; closing it ends the registration. 0 or an errno.
  int Add(int fd, std::uint32_t events, IoHandler& handler);
  // Hands the registered `fd` to another handler. Its present state is reported as a new edge.
  int Modify(int fd, std::uint32_t events, IoHandler& handler);
  void Remove(int fd);

  // Calls `handler` with no events in the next round, which does not wait: for whoever has done its
  // share of work in this round though there is more to do.
  void Again(IoHandler& handler);
  // A handler that asked to go on must cancel it before it is retired.
  void CancelAgain(IoHandler& handler);

  // Destroyed when the round ends.
  void Retire(std::unique_ptr<Retirable> object);

  // Called at the end of every round until removed. Not from within a hook.
  void AddRoundEndHook(RoundEndHook& hook);
  void RemoveRoundEndHook(RoundEndHook& hook);

  // The time this round began.
  MonotonicTime now() const { return now_; }
  TimerWheel& timers() { return timers_; }

 private:
  EventLoop(UniqueFd epoll, UniqueFd wakeup);
  void Wait();
  void RunPosted();
  void RunAgain();
  void DestroyRetired();

  static constexpr int kEventsPerWait = 256;

  const UniqueFd epoll_;
  const UniqueFd wakeup_;
  MonotonicTime now_;
  TimerWheel timers_;
  bool stopped_ = false;
  std::vector<IoHandler*> again_;
  std::vector<RoundEndHook*> hooks_;
  std::vector<std::unique_ptr<Retirable>> retired_;

  Mutex posted_mutex_;
  std::vector<std::function<void()>> posted_ ABSL_GUARDED_BY(posted_mutex_);
};

}  // namespace sluice::dataplane
