// A file that was made or renamed is durable once its folder is.
#pragma once

#include <string>

namespace sluice {

// Blocks until the disk has it. 0, or an errno.
int SyncFolder(const std::string& folder);

}  // namespace sluice
