#include "controlplane/store/locked_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace sluice::controlplane {
namespace {

std::string SystemText(int error) { return std::generic_category().message(error); }

// A new file is durable once its directory is.
Result<void> SyncDirectory(const std::string& directory) {
  const int descriptor = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = descriptor >= 0 && fsync(descriptor) == 0;
  const int error = errno;
  if (descriptor >= 0) close(descriptor);
  if (synced) return {};
  return Fail(ErrorCode::kFailedPrecondition,
              fmt::format("cannot sync the directory '{}': {}", directory, SystemText(error)));
}

}  // namespace

Result<LockedFile> LockedFile::Open(const std::string& path) {
  std::string directory = std::filesystem::path(path).parent_path().string();
  if (directory.empty()) directory = ".";
  struct stat attributes {};
  if (stat(directory.c_str(), &attributes) != 0) {
    return Fail(ErrorCode::kFailedPrecondition,
                fmt::format("cannot open '{}': its directory '{}' cannot be used: {}", path,
                            directory, SystemText(errno)));
  }
  const bool existed = stat(path.c_str(), &attributes) == 0;
  if (existed && !S_ISREG(attributes.st_mode)) {
    return Fail(ErrorCode::kFailedPrecondition, fmt::format("'{}' is not a regular file", path));
  }

  // Only the owner may read: resources may hold secrets.
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return Fail(ErrorCode::kFailedPrecondition,
                fmt::format("cannot open '{}' for writing: {}", path, SystemText(errno)));
  }
  LockedFile file(descriptor);
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return Fail(
          ErrorCode::kFailedPrecondition,
          fmt::format("another control plane has '{}' open; a file serves one at a time", path));
    }
    return Fail(ErrorCode::kFailedPrecondition,
                fmt::format("cannot lock '{}': {}", path, SystemText(errno)));
  }
  if (!existed) {
    if (auto synced = SyncDirectory(directory); !synced) return tl::unexpected(synced.error());
  }
  return file;
}

LockedFile::~LockedFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace sluice::controlplane
