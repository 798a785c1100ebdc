#include "dataplane/loop/descriptor_limit.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <limits>

#include "common/base/limits.h"
#include "common/base/unique_fd.h"

namespace sluice::dataplane {
namespace {

int FirstReserved() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::numeric_limits<int>::max();
  const auto all = std::min<rlim_t>(limit.rlim_cur, std::numeric_limits<int>::max());
  // A quarter where there are hardly any.
  return static_cast<int>(all - std::min<rlim_t>(limits::kReservedDescriptors, all / 4));
}

}  // namespace

void RaiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

bool IsReservedDescriptor(int fd) {
  static std::atomic<int> first{0};
  if (fd < first.load(std::memory_order_relaxed)) return false;
  // Asked anew: somebody may have raised it (prlimit(2)).
  first.store(FirstReserved(), std::memory_order_relaxed);
  return fd >= first.load(std::memory_order_relaxed);
}

bool SessionDescriptorsLeft() {
  const UniqueFd first(::open("/", O_PATH | O_CLOEXEC));
  if (!first) return false;
  const UniqueFd second(::fcntl(first.get(), F_DUPFD_CLOEXEC, 0));
  return second && !IsReservedDescriptor(std::max(first.get(), second.get()));
}

}  // namespace sluice::dataplane
