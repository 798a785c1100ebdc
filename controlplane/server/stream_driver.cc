#include "controlplane/server/stream_driver.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/base/limits.h"

namespace sluice::controlplane {
namespace {

constexpr std::chrono::milliseconds kRefreshSpacing{20};
constexpr int kRefreshShare = 10;  // One part working, at least nine parts resting.

}  // namespace

StreamDriver::StreamDriver(FleetView& fleet) : thread_([this] { Run(); }) {
  fleet_subscription_ = fleet.OnChange([this] {
    {
      const MutexLock lock(mutex_);
      fleet_changed_ = true;
    }
    changed_.NotifyOne();
  });
}

StreamDriver::~StreamDriver() {
  fleet_subscription_.reset();
  Stop();
  thread_.join();
}

bool StreamDriver::Add(std::shared_ptr<LiveStream> stream) {
  const MutexLock lock(mutex_);
  if (stopping_ || streams_.size() >= limits::kWatchStreams) return false;
  const LiveStream* key = stream.get();
  streams_.emplace(key, std::move(stream));
  return true;
}

void StreamDriver::Remove(const LiveStream* stream) {
  std::shared_ptr<LiveStream> removed;  // Goes without the lock held.
  const MutexLock lock(mutex_);
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return;
  removed = std::move(found->second);
  streams_.erase(found);
  woken_.erase(stream);
}

void StreamDriver::Wake(const LiveStream* stream) {
  {
    const MutexLock lock(mutex_);
    if (!streams_.contains(stream)) return;
    woken_.insert(stream);
  }
  changed_.NotifyOne();
}

void StreamDriver::Stop() {
  std::vector<std::shared_ptr<LiveStream>> open;
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    for (const auto& [key, stream] : streams_) open.push_back(stream);
  }
  changed_.NotifyOne();
  for (const auto& stream : open) stream->Close();
}

void StreamDriver::Run() {
  const MutexLock lock(mutex_);
  while (!stopping_) {
    if (!woken_.empty()) {
      const auto stream = streams_.at(woken_.extract(woken_.begin()).value());
      mutex_.Unlock();
      stream->Pump();
      mutex_.Lock();
    } else if (fleet_changed_ && Clock::now() >= next_refresh_) {
      RefreshAll();
    } else if (fleet_changed_) {
      changed_.WaitUntil(mutex_, next_refresh_);
    } else {
      changed_.Wait(mutex_);
    }
  }
}

void StreamDriver::RefreshAll() {
  fleet_changed_ = false;
  std::vector<std::shared_ptr<LiveStream>> open;
  for (const auto& [key, stream] : streams_) open.push_back(stream);
  mutex_.Unlock();
  const auto begun = Clock::now();
  for (const auto& stream : open) stream->Refresh();
  const auto ended = Clock::now();
  open.clear();  // May destroy streams: not under the lock.
  mutex_.Lock();
  next_refresh_ =
      ended + std::max<Clock::duration>(kRefreshSpacing, (ended - begun) * kRefreshShare);
}

}  // namespace sluice::controlplane
