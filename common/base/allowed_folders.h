// Where objects that others write may have files made: a manifest names paths, the node decides
// which of them are anybody's. A path is below a folder when its text says so and no link below
// the folder leads elsewhere; what the folder's own path leads over is the node's business.
// Immutable; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace sluice {

class AllowedFolders {
 public:
  // For a node whose objects are its own operator's.
  static AllowedFolders Everywhere();
  // Absolute paths. None: nowhere.
  explicit AllowedFolders(std::vector<std::string> folders);

  bool everywhere() const { return everywhere_; }
  // By its text: absolute, below a folder, without `.`, `..` and empty parts.
  bool Allows(std::string_view path) const;
  // The folders for a message: `/var/log/sluice or /srv/logs`; `no folder`.
  std::string Text() const;

  // The folder that `path`, which is allowed, stands in (O_PATH). Not found over a link: the error
  // names the part. Of any path when all are allowed.
  Result<UniqueFd> OpenParent(std::string_view path) const;

 private:
  // The folder that `path` is below, or null.
  const std::string* FolderOf(std::string_view path) const;

  bool everywhere_ = false;
  std::vector<std::string> folders_;  // Without a slash at the end, but for the root: empty.
};

// The last part of a path.
std::string FileNameOf(std::string_view path);

}  // namespace sluice
