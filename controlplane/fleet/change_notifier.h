// Tells callbacks that something changed: the first change after quiet at once, then at most every
// 10 ms. Owns the thread that does, which also ticks once a second. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <thread>

#include "common/base/mutex.h"

namespace sluice::controlplane {

class ChangeNotifier {
 public:
  explicit ChangeNotifier(std::function<void()> on_tick);
  ~ChangeNotifier();

  void Changed();
  // Never called any more once the handle is gone: dropping it waits for a call that is going on,
  // except within the callback itself.
  std::shared_ptr<void> Add(std::function<void()> callback);

 private:
  struct Callbacks;
  void Run();

  const std::function<void()> on_tick_;
  const std::shared_ptr<Callbacks> callbacks_;
  Mutex mutex_;
  ConditionVariable wake_;
  bool changed_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace sluice::controlplane
