#include "common/base/socket_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string_view>

namespace sluice {

std::string UnixPathOf(const SocketAddress& address) {
  return address.IpText().substr(std::string_view("unix:").size());
}

SocketFile::SocketFile(const SocketAddress& address) {
  if (!address.is_unix()) return;
  std::string path = UnixPathOf(address);
  struct stat status;
  if (::lstat(path.c_str(), &status) != 0) return;
  path_ = std::move(path);
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

void SocketFile::Remove() const {
  if (path_.empty()) return;
  struct stat status;
  if (::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_) {
    ::unlink(path_.c_str());
  }
}

}  // namespace sluice
