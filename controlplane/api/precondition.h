// The optimistic lock: a write that names a resourceVersion is refused unless the stored object
// still has it. Pure.
#pragma once

#include <string>

#include "common/model/resource.h"
#include "controlplane/api/refusal.h"

namespace sluice::controlplane {

// `wanted` empty: no precondition. The refusal (kConflict) says which version is stored.
Answer<void> CheckPrecondition(const model::ResourceKey& key, const model::Resource* stored,
                               const std::string& wanted);

}  // namespace sluice::controlplane
