// A fuzzer's input as a sequence of messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace sluice::test {

// At most 64, each with its length in two bytes (big-endian) before it; the last one is what is
// left.
inline std::vector<std::string_view> PiecesOf(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::vector<std::string_view> pieces;
  while (rest.size() >= 2 && pieces.size() < 64) {
    const std::size_t length = static_cast<std::size_t>(static_cast<unsigned char>(rest[0])) * 256 +
                               static_cast<unsigned char>(rest[1]);
    rest.remove_prefix(2);
    pieces.push_back(rest.substr(0, length));
    rest.remove_prefix(pieces.back().size());
  }
  return pieces;
}

}  // namespace sluice::test
