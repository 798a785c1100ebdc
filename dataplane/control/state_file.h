// The saved state of a data plane in one file of --state-dir, replaced atomically. Links and
// anything but a plain file are neither read nor written to; they are replaced. Functions over a
// path; no threads of their own.
#pragma once

#include <optional>
#include <string>

#include "common/base/error.h"
#include "dataplane/control/saved_state.h"

namespace sluice::dataplane {

// `DIR/last-good`.
std::string StateFilePath(const std::string& dir);

// On disk when it returns, or the earlier file is untouched.
Result<void> WriteStateFile(const std::string& path, const SavedSnapshot& snapshot);

// Nothing when there is no file. kDataLoss: damaged, no plain file, or written by a version that
// said something else.
Result<std::optional<SavedSnapshot>> ReadStateFile(const std::string& path);

}  // namespace sluice::dataplane
