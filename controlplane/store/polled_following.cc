#include "controlplane/store/polled_following.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "common/base/limits.h"
#include "common/base/mutex.h"
#include "common/base/thread_name.h"

namespace sluice::controlplane {
namespace {

using Commits = std::vector<StoreCommit>;

class PolledFollowing final : public Store::Following {
 public:
  PolledFollowing(PolledStore store, std::int64_t from, Store::Sink sink)
      : store_(std::move(store)), sink_(std::move(sink)), position_(from) {
    thread_ = std::thread([this] {
      NameThisThread("store-follow");
      Run();
    });
  }
  ~PolledFollowing() override {
    {
      const MutexLock lock(mutex_);
      stopping_ = true;
    }
    stop_.NotifyOne();
    thread_.join();
  }

  void Passed(std::int64_t generation) override {
    const MutexLock lock(mutex_);
    position_ = std::max(position_, generation);
  }

 private:
  void Run() {
    std::chrono::milliseconds pause = limits::kFollowInterval;
    bool failing = false;
    while (!StoppedWithin(pause)) {
      auto news = Look(failing);
      if (!news) continue;
      failing = !news->has_value();
      pause = failing ? std::min(pause * 2, limits::kFollowPause) : limits::kFollowInterval;
      const std::int64_t told =
          news->has_value() && !(*news)->empty() ? (*news)->back().generation : 0;
      sink_(std::move(*news));
      Passed(told);
    }
  }

  bool StoppedWithin(std::chrono::milliseconds pause) {
    const MonotonicTime until = std::chrono::steady_clock::now() + pause;
    const MutexLock lock(mutex_);
    while (!stopping_ && stop_.WaitUntil(mutex_, until)) continue;
    return stopping_;
  }

  // What there is to tell, if anything: that it can be read again is news to who was told
  // otherwise.
  std::optional<Result<Commits>> Look(bool was_failing) {
    const auto newest = store_.newest();
    if (!newest) return tl::unexpected(newest.error());
    const std::int64_t from = Position();
    Result<Commits> commits;
    if (*newest != from) commits = store_.commits_after(from);
    if (commits && commits->empty() && !was_failing) return std::nullopt;
    return commits;
  }

  std::int64_t Position() {
    const MutexLock lock(mutex_);
    return position_;
  }

  const PolledStore store_;
  const Store::Sink sink_;

  Mutex mutex_;
  ConditionVariable stop_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::int64_t position_ ABSL_GUARDED_BY(mutex_);  // What was told or Passed last.

  std::thread thread_;
};

}  // namespace

std::unique_ptr<Store::Following> FollowByPolling(PolledStore store, std::int64_t from,
                                                  Store::Sink sink) {
  return std::make_unique<PolledFollowing>(std::move(store), from, std::move(sink));
}

}  // namespace sluice::controlplane
