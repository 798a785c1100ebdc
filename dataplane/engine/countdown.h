// Waiting until a number of threads have each done a thing. Thread-safe.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace sluice::dataplane {

class Countdown {
 public:
  // Only when nobody is awaited.
  void Expect(std::size_t threads) {
    const std::lock_guard lock(mutex_);
    missing_ = threads;
  }
  // True for the last.
  bool Arrive() {
    const std::lock_guard lock(mutex_);
    if (--missing_ != 0) return false;
    none_missing_.notify_all();
    return true;
  }
  void Wait() {
    std::unique_lock lock(mutex_);
    none_missing_.wait(lock, [this] { return missing_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable none_missing_;
  std::size_t missing_ = 0;
};

}  // namespace sluice::dataplane
