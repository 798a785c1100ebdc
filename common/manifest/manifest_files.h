// The files that manifests are read from, within the bounds of limits.h. Blocking I/O and nothing
// else: knows no YAML. Thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/base/error.h"

namespace sluice::manifest {

// The file itself or `-`; for a directory its *.yaml, *.yml and *.json in name order, without
// hidden files. An error says why there is none.
Result<std::vector<std::string>> ManifestFilesAt(const std::string& path);

// The text of a file or, for `-`, of standard input. Never reads much more than it may: the error
// for a file that is too big comes at once.
Result<std::string> ReadManifestFile(const std::string& file, std::size_t most_bytes);

}  // namespace sluice::manifest
