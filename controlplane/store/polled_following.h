// Follows a store that can only be asked: one thread (`store-follow`) asks at a short interval what
// the newest generation is, and reads the commits when it is not the one that was told last.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "controlplane/store/store.h"

namespace sluice::controlplane {

// Both are called on the following's thread and may block.
struct PolledStore {
  std::function<Result<std::int64_t>()> newest;  // Cheap while nothing has changed.
  // As Store::CommitsAfter.
  std::function<Result<std::vector<StoreCommit>>(std::int64_t from)> commits_after;
};

std::unique_ptr<Store::Following> FollowByPolling(PolledStore store, std::int64_t from,
                                                  Store::Sink sink);

}  // namespace sluice::controlplane
