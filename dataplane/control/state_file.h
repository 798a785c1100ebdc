// The saved state of a data plane: the last good resources, in one file of --state-dir, replaced
// atomically and guarded by a hash. Functions over a path; no threads of their own.
#pragma once

#include <optional>
#include <string>

#include "common/base/error.h"
#include "dataplane/compile/resource_update.h"
#include "dataplane/discovery/staging.h"

namespace sluice::dataplane {

struct SavedSnapshot {
  AcceptedState accepted;
  ResourceUpdates in_force_instead;  // See Compiler::InForceInstead.
};

// `DIR/last-good`.
std::string StateFilePath(const std::string& dir);

// Creates the folder if need be, and proves that it can be written to.
Result<void> PrepareStateDir(const std::string& dir);

// On disk when it returns, or the earlier file is untouched.
Result<void> WriteStateFile(const std::string& path, const SavedSnapshot& snapshot);

// Nothing when there is no file. kDataLoss: damaged, or written by a version that said something
// else.
Result<std::optional<SavedSnapshot>> ReadStateFile(const std::string& path);

}  // namespace sluice::dataplane
