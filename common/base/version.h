// The version of this source tree: what every program here says of itself. CMakeLists.txt reads it.
#pragma once

#include <string_view>

namespace sluice {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace sluice
