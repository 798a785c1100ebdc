#include "common/base/descriptor_limit.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <limits>

#include "common/base/limits.h"

namespace sluice {
namespace {

int FirstReserved() {
  const std::size_t all = DescriptorLimit();
  // A quarter where there are hardly any.
  return static_cast<int>(all - std::min(limits::kReservedDescriptors, all / 4));
}

}  // namespace

Result<void> RaiseDescriptorLimit(std::size_t needed) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  if (DescriptorLimit() >= needed) return {};
  return Fail(ErrorCode::kResourceExhausted,
              fmt::format("this process may have {} file descriptors, and needs {} at least; raise "
                          "the hard limit (`ulimit -Hn`, LimitNOFILE= of systemd)",
                          DescriptorLimit(), needed));
}

std::size_t DescriptorLimit() {
  constexpr auto kLargest = std::numeric_limits<int>::max();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kLargest;
  return std::min<rlim_t>(limit.rlim_cur, kLargest);
}

bool IsReservedDescriptor(int fd) {
  static std::atomic<int> first{0};
  if (fd < first.load(std::memory_order_relaxed)) return false;
  // Asked anew: somebody may have raised it (prlimit(2)).
  first.store(FirstReserved(), std::memory_order_relaxed);
  return fd >= first.load(std::memory_order_relaxed);
}

}  // namespace sluice
