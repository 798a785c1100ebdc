// A file that one process at a time may have: created when absent, locked with flock(2) until the
// object goes. The kernel drops the lock when the process dies, however it does.
#pragma once

#include <string>

#include "common/base/error.h"

namespace sluice::controlplane {

class LockedFile {
 public:
  // Errors say what is wrong with the path, or that another process has the file.
  static Result<LockedFile> Open(const std::string& path);

  LockedFile(LockedFile&& other) noexcept : descriptor_(other.descriptor_) {
    other.descriptor_ = -1;
  }
  LockedFile& operator=(LockedFile&&) = delete;
  ~LockedFile();

 private:
  explicit LockedFile(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
};

}  // namespace sluice::controlplane
