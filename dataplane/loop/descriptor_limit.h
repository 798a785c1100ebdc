// The descriptors of this process: as many as the system lets it have. Traffic leaves the last few
// of them alone, so that when sessions have taken all others the admin address still answers, files
// are still read and written, and a lost control plane is found again. Thread-safe.
#pragma once

namespace sluice::dataplane {

// Up to the hard limit, as the soft one is often 1,024 for programs that use select(2).
void RaiseDescriptorLimit();

// Is this new descriptor one of those that traffic leaves alone? The kernel hands out the lowest
// free number, so such a one says that all below it are taken.
bool IsReservedDescriptor(int fd);

// Could a session get its two descriptors now? Others may be faster.
bool SessionDescriptorsLeft();

}  // namespace sluice::dataplane
