// CRC-32 (IEEE) of text in pieces, as zlib computes it. Pure.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <string_view>

namespace sluice::dataplane {

// `before` is the CRC of what stands in front of `text`, 0 at the start.
inline std::uint32_t Crc32(std::uint32_t before, std::string_view text) {
  if (text.empty()) return before;  // zlib takes a null pointer for a wish to start anew.
  return static_cast<std::uint32_t>(
      crc32(before, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size())));
}

}  // namespace sluice::dataplane
