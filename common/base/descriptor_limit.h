// The descriptors of this process: as many as the system lets it have. Whoever takes one for each
// of its peers leaves the last few alone, so that files are still read and written when peers have
// taken all others. Thread-safe.
#pragma once

#include <cstddef>

#include "common/base/error.h"

namespace sluice {

// Up to the hard limit, as the soft one is often 1,024 for programs that use select(2).
// kResourceExhausted: that is less than `needed`, with which the process would fail halfway; the
// message says what to do.
Result<void> RaiseDescriptorLimit(std::size_t needed);

// How many there may be now; descriptors are smaller than it.
std::size_t DescriptorLimit();

// Is this new descriptor one of the last few, limits::kReservedDescriptors? The kernel hands out
// the lowest free number, so such a one says that all below it are taken.
bool IsReservedDescriptor(int fd);

}  // namespace sluice
