// Which entry of an ordered list names a client's address first. Built once from all blocks of the
// list, then asked by binary search: 10,000 sources cost 15 comparisons. Immutable; thread-safe.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "common/base/address.h"

namespace sluice::dataplane {

class SourceTable {
 public:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  struct Source {
    Cidr block;
    std::uint32_t entry;  // Position in the list.
  };
  static SourceTable Build(const std::vector<Source>& sources);

  // The lowest entry that has a block with this address, as Cidr::Contains says; or kNone.
  std::uint32_t FirstMatch(const SocketAddress& client) const;

 private:
  // Network order, so that they compare as numbers. IPv4 in the first four bytes.
  using IpBytes = std::array<unsigned char, 16>;
  // From `start` to the next range's start, `entry` holds.
  struct Range {
    IpBytes start;
    std::uint32_t entry;
  };
  using Ranges = std::vector<Range>;
  static Ranges BuildRanges(const std::vector<Source>& sources, sa_family_t family);

  Ranges v4_;
  Ranges v6_;
  std::uint32_t unix_entry_ = kNone;
};

}  // namespace sluice::dataplane
