#include "dataplane/control/state_saver.h"

#include <utility>

#include "common/base/thread_name.h"
#include "common/log/event_log.h"

namespace sluice::dataplane {

StateSaver::StateSaver(StateFolder folder, std::chrono::milliseconds retry_after)
    : folder_(std::move(folder)), retry_after_(retry_after), thread_([this] {
        NameThisThread("state-saver");
        Run();
        folder_.Release();
      }) {}

StateSaver::~StateSaver() {
  Finish();
  thread_.join();
}

void StateSaver::Finish() {
  {
    const MutexLock lock(mutex_);
    stop_ = true;
  }
  wake_.NotifyOne();
}

void StateSaver::Save(SavedSnapshot snapshot) {
  {
    const MutexLock lock(mutex_);
    next_ = std::move(snapshot);
  }
  wake_.NotifyOne();
}

Result<void> StateSaver::Write(const SavedSnapshot& snapshot) {
  if (auto claimed = folder_.Claim(); !claimed) return claimed;
  return WriteStateFile(folder_.file(), snapshot);
}

void StateSaver::Run() {
  std::optional<SavedSnapshot> snapshot;  // Not on disk yet.
  bool failed = false;                    // The last attempt to write.
  bool told = false;                      // That this one could not be written.
  for (bool stopping = false; !stopping;) {
    {
      const MonotonicTime retry = std::chrono::steady_clock::now() + retry_after_;
      const MutexLock lock(mutex_);
      while (!stop_ && !next_) {
        if (!snapshot) {
          wake_.Wait(mutex_);
        } else if (!wake_.WaitUntil(mutex_, retry)) {
          break;
        }
      }
      stopping = stop_;
      if (next_) {
        snapshot = std::exchange(next_, std::nullopt);
        told = false;
      }
    }
    if (!snapshot) continue;
    if (const Result<void> written = Write(*snapshot); written) {
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
