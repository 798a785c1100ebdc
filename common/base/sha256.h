// SHA-256, as bytes and as text. Pure.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace sluice {

std::array<unsigned char, 32> Sha256(std::string_view bytes);

// 64 lower-case hex digits.
std::string Sha256Hex(std::string_view bytes);

}  // namespace sluice
