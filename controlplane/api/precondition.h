// The optimistic lock: a write that names a resourceVersion is refused unless the stored object
// still has it. Pure.
#pragma once

#include <string>

#include "common/model/resource.h"

namespace sluice::controlplane {

// What is wrong, and which version is stored; empty when nothing is. `wanted` empty: no
// precondition.
std::string PreconditionProblem(const model::Resource* stored, const std::string& wanted);

}  // namespace sluice::controlplane
