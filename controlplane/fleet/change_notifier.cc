#include "controlplane/fleet/change_notifier.h"

#include <chrono>
#include <mutex>
#include <utility>

namespace sluice::controlplane {
namespace {

constexpr std::chrono::milliseconds kPause{10};
constexpr std::chrono::seconds kTick{1};

}  // namespace

// The lock is held while calling: it guards nothing but the list and the promise of Add. It is not
// a Mutex as a callback may drop handles, and clang does not follow locks that are taken twice.
struct ChangeNotifier::Callbacks {
  void CallAll() {
    std::uint64_t last = 0;
    for (;;) {
      const std::lock_guard lock(mutex);
      const auto next = by_id.upper_bound(last);
      if (next == by_id.end()) return;
      last = next->first;
      const auto callback = next->second;  // It may remove itself.
      callback();
    }
  }

  std::recursive_mutex mutex;
  std::map<std::uint64_t, std::function<void()>> by_id;
  std::uint64_t last_id = 0;
};

ChangeNotifier::ChangeNotifier(std::function<void()> on_tick)
    : on_tick_(std::move(on_tick)), callbacks_(std::make_shared<Callbacks>()) {
  thread_ = std::thread([this] { Run(); });
}

ChangeNotifier::~ChangeNotifier() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.NotifyOne();
  thread_.join();
}

void ChangeNotifier::Changed() {
  {
    const MutexLock lock(mutex_);
    if (std::exchange(changed_, true)) return;  // The thread knows, or waits out its pause.
  }
  wake_.NotifyOne();
}

std::shared_ptr<void> ChangeNotifier::Add(std::function<void()> callback) {
  const std::lock_guard lock(callbacks_->mutex);
  const std::uint64_t id = ++callbacks_->last_id;
  callbacks_->by_id.emplace(id, std::move(callback));
  return {nullptr, [callbacks = callbacks_, id](void*) {
            const std::lock_guard guard(callbacks->mutex);
            callbacks->by_id.erase(id);
          }};
}

void ChangeNotifier::Run() {
  MonotonicTime tick = std::chrono::steady_clock::now() + kTick;
  const MutexLock lock(mutex_);
  while (!stopping_) {
    while (!changed_ && !stopping_ && wake_.WaitUntil(mutex_, tick)) continue;
    if (stopping_) return;
    // Also where changes never pause.
    if (std::chrono::steady_clock::now() >= tick) {
      mutex_.Unlock();
      on_tick_();
      tick = std::chrono::steady_clock::now() + kTick;
      mutex_.Lock();
    }
    if (!changed_) continue;
    changed_ = false;
    mutex_.Unlock();
    callbacks_->CallAll();
    mutex_.Lock();
    const MonotonicTime rested = std::chrono::steady_clock::now() + kPause;
    while (!stopping_ && wake_.WaitUntil(mutex_, rested)) continue;
  }
}

}  // namespace sluice::controlplane
