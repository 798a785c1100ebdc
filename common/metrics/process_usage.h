// What the kernel says this process uses. Reads /proc; any thread.
#pragma once

#include <cstdint>

namespace sluice::dataplane {

struct ProcessUsage {
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_descriptors = 0;
  std::uint64_t max_descriptors = 0;
  double cpu_seconds = 0;
};

// Figures that cannot be read are 0.
ProcessUsage ReadProcessUsage();

}  // namespace sluice::dataplane
