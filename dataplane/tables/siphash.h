// SipHash-2-4 (Aumasson, Bernstein, "SipHash: a fast short-input PRF", 2012): a hash of bytes that
// clients choose, whose collisions they cannot find without the key. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::dataplane {

struct SipKey {
  std::uint64_t k0;
  std::uint64_t k1;
};

// From the kernel's random numbers.
SipKey RandomSipKey();

std::uint64_t SipHash(const SipKey& key, std::string_view bytes);

}  // namespace sluice::dataplane
