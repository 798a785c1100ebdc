// Writes the saved state on a thread of its own, so that no swap waits for a disk. Bursts are
// coalesced: only the newest snapshot handed over is written. What could not be written is tried
// again from time to time until it is or a newer one comes; each snapshot's failure is logged once.
// Save() is thread-safe; the destructor writes what is left.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "common/base/mutex.h"
#include "dataplane/control/state_file.h"

namespace sluice::dataplane {

class StateSaver {
 public:
  explicit StateSaver(std::string path,
                      std::chrono::milliseconds retry_after = std::chrono::seconds(10));
  ~StateSaver();

  void Save(SavedSnapshot snapshot);

 private:
  void Run();

  const std::string path_;
  const std::chrono::milliseconds retry_after_;
  Mutex mutex_;
  ConditionVariable wake_;
  std::optional<SavedSnapshot> next_ ABSL_GUARDED_BY(mutex_);
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace sluice::dataplane
