#include "dataplane/control/state_saver.h"

#include <utility>

#include "common/base/thread_name.h"
#include "common/log/event_log.h"

namespace sluice::dataplane {

StateSaver::StateSaver(std::string path, std::chrono::milliseconds retry_after)
    : path_(std::move(path)), retry_after_(retry_after), thread_([this] {
        NameThisThread("state-saver");
        Run();
      }) {}

StateSaver::~StateSaver() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void StateSaver::Save(SavedSnapshot snapshot) {
  {
    const std::lock_guard lock(mutex_);
    next_ = std::move(snapshot);
  }
  wake_.notify_one();
}

void StateSaver::Run() {
  std::optional<SavedSnapshot> snapshot;  // Not on disk yet.
  bool failed = false;                    // The last attempt to write.
  bool told = false;                      // That this one could not be written.
  for (bool stopping = false; !stopping;) {
    {
      std::unique_lock lock(mutex_);
      const auto woken = [this] { return stop_ || next_.has_value(); };
      if (snapshot) {
        wake_.wait_for(lock, retry_after_, woken);
      } else {
        wake_.wait(lock, woken);
      }
      stopping = stop_;
      if (next_) {
        snapshot = std::exchange(next_, std::nullopt);
        told = false;
      }
    }
    if (!snapshot) continue;
    if (const Result<void> written = WriteStateFile(path_, *snapshot); written) {
      snapshot = std::nullopt;
      if (std::exchange(failed, false)) LogEvent(LogLevel::kInfo, "state_saved_again");
    } else {
      failed = true;
      if (std::exchange(told, true)) continue;
      LogEvent(LogLevel::kError, "state_not_saved", {{"message", written.error().message}});
    }
  }
}

}  // namespace sluice::dataplane
