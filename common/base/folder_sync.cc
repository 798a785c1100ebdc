#include "common/base/folder_sync.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "common/base/unique_fd.h"

namespace sluice {

int SyncFolder(const std::string& folder) {
  const UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return !fd || ::fsync(fd.get()) != 0 ? errno : 0;
}

}  // namespace sluice
