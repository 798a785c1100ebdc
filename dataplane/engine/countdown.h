// Waiting until a number of threads have each done a thing. Thread-safe.
#pragma once

#include <cstddef>

#include "common/base/mutex.h"

namespace sluice::dataplane {

class Countdown {
 public:
  // Only when nobody is awaited.
  void Expect(std::size_t threads) {
    const MutexLock lock(mutex_);
    missing_ = threads;
  }
  // True for the last.
  bool Arrive() {
    const MutexLock lock(mutex_);
    if (--missing_ != 0) return false;
    none_missing_.NotifyAll();
    return true;
  }
  void Wait() {
    const MutexLock lock(mutex_);
    while (missing_ != 0) none_missing_.Wait(mutex_);
  }

 private:
  Mutex mutex_;
  ConditionVariable none_missing_;
  std::size_t missing_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace sluice::dataplane
