// An allowance that fills up again. Not thread-safe.
#pragma once

#include <algorithm>
#include <chrono>

#include "common/base/monotonic_time.h"

namespace sluice::controlplane {

// So much at once, and so much a second for good.
struct Allowance {
  double at_once;
  double a_second;
};

class TokenBucket {
 public:
  explicit TokenBucket(const Allowance& allowance)
      : allowance_(allowance), left_(allowance.at_once) {}

  // False: nothing is left, and nothing is taken.
  bool Take(MonotonicTime now) {
    if (!HasAny(now)) return false;
    left_ -= 1;
    return true;
  }
  bool HasAny(MonotonicTime now) {
    if (now > filled_) {
      const std::chrono::duration<double> since = now - filled_;
      left_ = std::min(allowance_.at_once, left_ + since.count() * allowance_.a_second);
      filled_ = now;
    }
    return left_ >= 1;
  }

 private:
  const Allowance allowance_;
  double left_;
  MonotonicTime filled_{};
};

}  // namespace sluice::controlplane
