// Keeps the open Watch and Rollout streams going: one thread that lets a stream write when it was
// woken, and lets all of them look at the fleet after it has changed. How often they look is
// bounded by what looking costs, so that status never takes more than a tenth of a core.
// Thread-safe.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <thread>

#include "common/base/mutex.h"
#include "controlplane/fleet/fleet_view.h"

namespace sluice::controlplane {

class LiveStream {
 public:
  virtual ~LiveStream() = default;
  // Writes what there is to write, if no write is under way.
  virtual void Pump() = 0;
  // The fleet may have changed.
  virtual void Refresh() = 0;
  // The control plane stops.
  virtual void Close() = 0;
};

class StreamDriver {
 public:
  explicit StreamDriver(FleetView& fleet);
  ~StreamDriver();
  StreamDriver(const StreamDriver&) = delete;
  StreamDriver& operator=(const StreamDriver&) = delete;

  // False: limits::kWatchStreams are open, or the driver has been stopped.
  bool Add(std::shared_ptr<LiveStream> stream);
  void Remove(const LiveStream* stream);
  // Has Pump called soon.
  void Wake(const LiveStream* stream);
  // Closes all streams; no more are added.
  void Stop();

 private:
  using Clock = std::chrono::steady_clock;

  struct Entry {
    std::shared_ptr<LiveStream> stream;
    bool woken = false;  // It has a place in woken_.
  };

  void Run();
  // Both give the mutex back while they call, and drop what they called before they take it again:
  // a stream that is destroyed may wait for somebody who wakes another.
  void PumpNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RefreshAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Mutex mutex_;
  ConditionVariable changed_;
  std::map<const LiveStream*, Entry> streams_ ABSL_GUARDED_BY(mutex_);
  // In the order they were woken. Those that are gone are passed over.
  std::deque<const LiveStream*> woken_ ABSL_GUARDED_BY(mutex_);
  bool fleet_changed_ ABSL_GUARDED_BY(mutex_) = false;
  Clock::time_point next_refresh_ ABSL_GUARDED_BY(mutex_){};
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
  std::shared_ptr<void> fleet_subscription_;
};

}  // namespace sluice::controlplane
