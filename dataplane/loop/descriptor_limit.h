// Descriptors for sessions: those that common/base/descriptor_limit.h does not keep for everything
// else, so that when sessions have taken all others the admin address still answers, files are
// still read and written, and a lost control plane is found again. Thread-safe.
#pragma once

#include "common/base/descriptor_limit.h"

namespace sluice::dataplane {

// Could a session get its two descriptors now? Others may be faster.
bool SessionDescriptorsLeft();

}  // namespace sluice::dataplane
