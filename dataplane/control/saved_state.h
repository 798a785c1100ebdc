// The saved state of a data plane as bytes: the last good resources, guarded by a hash. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "dataplane/compile/resource_update.h"
#include "dataplane/discovery/staging.h"

namespace sluice::dataplane {

struct SavedSnapshot {
  AcceptedState accepted;
  ResourceUpdates in_force_instead;  // See Compiler::InForceInstead.
};

// One text line and the hash of the content in hex; then comes the content, a serialised
// v1::SavedState.
inline constexpr std::size_t kSavedStateHeadBytes = 85;

std::string EncodeSavedState(const SavedSnapshot& snapshot);
// kDataLoss: damaged, or written by a version that said something else. The message says what is
// wrong with `it`.
Result<SavedSnapshot> DecodeSavedState(std::string_view file);

// The head of `content`, and the content.
std::string SealSavedState(std::string_view content);

}  // namespace sluice::dataplane
