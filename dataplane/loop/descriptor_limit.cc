#include "dataplane/loop/descriptor_limit.h"

#include <fcntl.h>

#include <algorithm>

#include "common/base/unique_fd.h"

namespace sluice::dataplane {

bool SessionDescriptorsLeft() {
  const UniqueFd first(::open("/", O_PATH | O_CLOEXEC));
  if (!first) return false;
  const UniqueFd second(::fcntl(first.get(), F_DUPFD_CLOEXEC, 0));
  return second && !IsReservedDescriptor(std::max(first.get(), second.get()));
}

}  // namespace sluice::dataplane
