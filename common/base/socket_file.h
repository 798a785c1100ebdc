// The file of a unix socket that this process has bound. Removed by nobody but its owner, and only
// while it is still there: another process may have taken the path over meanwhile.
#pragma once

#include <sys/types.h>

#include <string>

#include "common/base/address.h"

namespace sluice {

// The path of a unix address.
std::string UnixPathOf(const SocketAddress& address);

class SocketFile {
 public:
  // None.
  SocketFile() = default;
  // To be called once `address` is bound. None when it is no unix address.
  explicit SocketFile(const SocketAddress& address);

  // Nothing where another file stands there now.
  void Remove() const;

 private:
  std::string path_;  // Empty: none.
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace sluice
