// One thread that does what is posted to it, in order. Writes wait here for their turn, so that the
// store's syncs never hold up the threads that serve everything else. Thread-safe.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>

#include "common/base/mutex.h"

namespace sluice::controlplane {

class WorkQueue {
 public:
  explicit WorkQueue(std::size_t capacity);
  // As Stop.
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  // False: full or stopped, and `work` is not going to run.
  bool Post(std::function<void()> work);
  // Does what has been posted, then ends the thread.
  void Stop();

 private:
  void Run();

  const std::size_t capacity_;
  Mutex mutex_;
  ConditionVariable changed_;
  std::deque<std::function<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace sluice::controlplane
