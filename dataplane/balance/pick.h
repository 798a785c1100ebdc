// What one pick is asked with: plain data of one session and one worker.
#pragma once

#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

#include "common/base/address.h"

namespace sluice::dataplane {

// What one session has tried so far. A fresh one for every session.
struct Tries {
  std::vector<std::uint32_t> tried;  // Endpoint indexes.
  bool backup = false;               // The primary list is exhausted for this session.
  bool started = false;              // `hash` holds something.
  std::uint32_t hash = 0;            // HASH: running sum. RING_HASH: position.
  std::uint32_t rehash = 0;          // HASH: rounds so far.
  std::uint32_t misses = 0;          // Draws that found an endpoint of no use.
};

struct PickInput {
  const SocketAddress* client = nullptr;  // For IP_HASH.
  std::string_view key;                   // For HASH and RING_HASH.
  std::int64_t now_s = 0;                 // Monotonic, whole seconds.
  std::minstd_rand* random = nullptr;
};

}  // namespace sluice::dataplane
