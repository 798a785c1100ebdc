// The locks of the libraries that we stand on.
#pragma once

#include <absl/synchronization/mutex.h>

namespace sluice {

// Debian builds absl with its check of the order in which locks are taken, a help for debugging.
// gRPC's locks go through it: with a thousand connections it is half of a server's processor time,
// and it grows with their number. To be called before the first thread.
inline void StopLibraryLockChecks() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
}

}  // namespace sluice
