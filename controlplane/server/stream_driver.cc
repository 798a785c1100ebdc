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
      const std::lock_guard lock(mutex_);
      fleet_changed_ = true;
    }
    changed_.notify_one();
  });
}

StreamDriver::~StreamDriver() {
  fleet_subscription_.reset();
  Stop();
  thread_.join();
}

bool StreamDriver::Add(std::shared_ptr<LiveStream> stream) {
  const std::lock_guard lock(mutex_);
  if (stopping_ || streams_.size() >= limits::kWatchStreams) return false;
  const LiveStream* key = stream.get();
  streams_.emplace(key, std::move(stream));
  return true;
}

void StreamDriver::Remove(const LiveStream* stream) {
  std::shared_ptr<LiveStream> removed;  // Goes without the lock held.
  const std::lock_guard lock(mutex_);
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return;
  removed = std::move(found->second);
  streams_.erase(found);
  woken_.erase(stream);
}

void StreamDriver::Wake(const LiveStream* stream) {
  {
    const std::lock_guard lock(mutex_);
    if (!streams_.contains(stream)) return;
    woken_.insert(stream);
  }
  changed_.notify_one();
}

void StreamDriver::Stop() {
  std::vector<std::shared_ptr<LiveStream>> open;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& [key, stream] : streams_) open.push_back(stream);
  }
  changed_.notify_one();
  for (const auto& stream : open) stream->Close();
}

void StreamDriver::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (!woken_.empty()) {
      const auto stream = streams_.at(woken_.extract(woken_.begin()).value());
      lock.unlock();
      stream->Pump();
      lock.lock();
    } else if (fleet_changed_ && Clock::now() >= next_refresh_) {
      RefreshAll(lock);
    } else if (fleet_changed_) {
      changed_.wait_until(lock, next_refresh_);
    } else {
      changed_.wait(lock);
    }
  }
}

void StreamDriver::RefreshAll(std::unique_lock<std::mutex>& lock) {
  fleet_changed_ = false;
  std::vector<std::shared_ptr<LiveStream>> open;
  for (const auto& [key, stream] : streams_) open.push_back(stream);
  lock.unlock();
  const auto begun = Clock::now();
  for (const auto& stream : open) stream->Refresh();
  const auto ended = Clock::now();
  open.clear();  // May destroy streams: not under the lock.
  lock.lock();
  next_refresh_ =
      ended + std::max<Clock::duration>(kRefreshSpacing, (ended - begun) * kRefreshShare);
}

}  // namespace sluice::controlplane
