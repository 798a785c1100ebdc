#include "dataplane/loop/memory_return.h"

#include <malloc.h>

#include <algorithm>
#include <chrono>

namespace sluice::dataplane {
namespace {

// Fewer sessions than these hold too little to be worth it.
constexpr std::uint64_t kWorthwhile = 1'000;
constexpr std::chrono::seconds kDelay{1};

}  // namespace

void MemoryReturn::SessionClosed(std::uint64_t open) {
  open_ = open;
  most_ = std::max(most_, open + 1);
  if (most_ - open_ >= kWorthwhile && !armed()) loop_.timers().Arm(*this, loop_.now() + kDelay);
}

void MemoryReturn::OnTimer() {
  most_ = open_;
  ::malloc_trim(0);
}

}  // namespace sluice::dataplane
