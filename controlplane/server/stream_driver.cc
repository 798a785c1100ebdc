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
  streams_[key].stream = std::move(stream);
  return true;
}

void StreamDriver::Remove(const LiveStream* stream) {
  std::shared_ptr<LiveStream> removed;  // Goes without the lock held.
  const MutexLock lock(mutex_);
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return;
  removed = std::move(found->second.stream);
  streams_.erase(found);
}

void StreamDriver::Wake(const LiveStream* stream) {
  {
    const MutexLock lock(mutex_);
    const auto found = streams_.find(stream);
    if (found == streams_.end() || std::exchange(found->second.woken, true)) return;
    woken_.push_back(stream);
  }
  changed_.NotifyOne();
}

void StreamDriver::Stop() {
  std::vector<std::shared_ptr<LiveStream>> open;
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    for (const auto& [key, entry] : streams_) open.push_back(entry.stream);
  }
  changed_.NotifyOne();
  for (const auto& stream : open) stream->Close();
}

void StreamDriver::Run() {
  const MutexLock lock(mutex_);
  while (!stopping_) {
    if (fleet_changed_ && Clock::now() >= next_refresh_) {
      RefreshAll();
    } else if (!woken_.empty()) {
      PumpNext();
    } else if (fleet_changed_) {
      changed_.WaitUntil(mutex_, next_refresh_);
    } else {
      changed_.Wait(mutex_);
    }
  }
}

void StreamDriver::PumpNext() {
  const auto next = streams_.find(woken_.front());
  woken_.pop_front();
  if (next == streams_.end()) return;
  next->second.woken = false;
  std::shared_ptr<LiveStream> stream = next->second.stream;
  mutex_.Unlock();
  stream->Pump();
  stream = nullptr;
  mutex_.Lock();
}

void StreamDriver::RefreshAll() {
  fleet_changed_ = false;
  std::vector<std::shared_ptr<LiveStream>> open;
  for (const auto& [key, entry] : streams_) open.push_back(entry.stream);
  mutex_.Unlock();
  const auto begun = Clock::now();
  for (const auto& stream : open) stream->Refresh();
  const auto ended = Clock::now();
  open.clear();
  mutex_.Lock();
  next_refresh_ =
      ended + std::max<Clock::duration>(kRefreshSpacing, (ended - begun) * kRefreshShare);
}

}  // namespace sluice::controlplane
