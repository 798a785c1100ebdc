// SHA-256 as text. Pure.
#pragma once

#include <string>
#include <string_view>

namespace sluice {

// 64 lower-case hex digits.
std::string Sha256Hex(std::string_view bytes);

}  // namespace sluice
