// How long to wait before the next attempt: exponential with full jitter, so that a thousand nodes
// that lose one control plane do not come back at one moment. Pure but for its random source.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

namespace sluice::dataplane {

class Backoff {
 public:
  struct Settings {
    std::chrono::milliseconds first{500};  // Upper end of the first delay.
    std::chrono::milliseconds longest{10'000};
  };

  Backoff(Settings settings, std::uint64_t seed)
      : settings_(settings), ceiling_(settings.first), random_(seed) {}

  // Uniform between a tenth of the current ceiling and the ceiling, which then doubles.
  std::chrono::milliseconds Next() {
    std::uniform_int_distribution<std::int64_t> delay(ceiling_.count() / 10, ceiling_.count());
    ceiling_ = std::min(2 * ceiling_, settings_.longest);
    return std::chrono::milliseconds(delay(random_));
  }
  void Reset() { ceiling_ = settings_.first; }

 private:
  const Settings settings_;
  std::chrono::milliseconds ceiling_;
  std::mt19937_64 random_;
};

}  // namespace sluice::dataplane
