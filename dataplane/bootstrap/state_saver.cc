#include "dataplane/bootstrap/state_saver.h"

#include <utility>

#include "common/log/event_log.h"

namespace sluice::dataplane {

StateSaver::StateSaver(std::string path) : path_(std::move(path)), thread_([this] { Run(); }) {}

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
  for (;;) {
    std::optional<SavedSnapshot> snapshot;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stop_ || next_.has_value(); });
      snapshot = std::exchange(next_, std::nullopt);
    }
    if (!snapshot) return;
    if (const Result<void> written = WriteStateFile(path_, *snapshot); !written) {
      LogEvent(LogLevel::kError, "state_not_saved", {{"message", written.error().message}});
    }
  }
}

}  // namespace sluice::dataplane
