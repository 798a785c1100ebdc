// Writes the saved state on a thread of its own, so that no swap waits for a disk. Bursts are
// coalesced: only the newest snapshot handed over is written. What could not be written, for want
// of a disk or because another process has the folder, is tried again from time to time until it is
// or a newer one comes; each snapshot's failure is logged once. Save() and Finish() are
// thread-safe.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "common/base/mutex.h"
#include "dataplane/control/state_file.h"
#include "dataplane/control/state_folder.h"

namespace sluice::dataplane {

class StateSaver {
 public:
  // `folder` has been claimed if that could be done.
  explicit StateSaver(StateFolder folder,
                      std::chrono::milliseconds retry_after = std::chrono::seconds(10));
  // Finish(), and waits for that.
  ~StateSaver();

  void Save(SavedSnapshot snapshot);
  // What is left is written, or tried once more, and the folder is released. Does not wait.
  void Finish();

 private:
  void Run();

  Result<void> Write(const SavedSnapshot& snapshot);

  StateFolder folder_;  // The thread's.
  const std::chrono::milliseconds retry_after_;
  Mutex mutex_;
  ConditionVariable wake_;
  std::optional<SavedSnapshot> next_ ABSL_GUARDED_BY(mutex_);
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace sluice::dataplane
