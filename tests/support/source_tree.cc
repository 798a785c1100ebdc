#include "tests/support/source_tree.h"

namespace sluice::test {

std::string SourceFile(std::string_view path) { return SLUICE_SOURCE_DIR "/" + std::string(path); }

}  // namespace sluice::test
