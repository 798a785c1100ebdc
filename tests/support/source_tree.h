#pragma once

#include <string>
#include <string_view>

namespace sluice::test {

// A file of this source tree by its path from the root, absolute. The root is known to one object
// file only: all others compile to the same bytes wherever the tree lies, which a compiler cache
// uses.
std::string SourceFile(std::string_view path);

}  // namespace sluice::test
