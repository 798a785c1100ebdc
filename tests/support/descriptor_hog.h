// Takes every descriptor but `left`, for as long as it lives.
#pragma once

#include <fcntl.h>
#include <sys/resource.h>

#include <cstddef>
#include <utility>
#include <vector>

#include "common/base/unique_fd.h"

namespace sluice::test {

class DescriptorHog {
 public:
  explicit DescriptorHog(std::size_t left) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit lower = before_;
    lower.rlim_cur = 256;
    ::setrlimit(RLIMIT_NOFILE, &lower);
    while (true) {
      UniqueFd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
      if (!fd) break;
      taken_.push_back(std::move(fd));
    }
    Free(left);
  }
  ~DescriptorHog() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  void Free(std::size_t count) {
    while (count-- > 0 && !taken_.empty()) taken_.pop_back();
  }
  void FreeAll() { taken_.clear(); }

 private:
  rlimit before_{};
  std::vector<UniqueFd> taken_;
};

}  // namespace sluice::test
