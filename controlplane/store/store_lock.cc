#include "controlplane/store/store_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "common/base/folder_sync.h"

namespace sluice::controlplane {
namespace {

std::string SystemText(int error) { return std::generic_category().message(error); }

Result<void> SyncDirectory(const std::string& directory) {
  if (const int error = SyncFolder(directory); error != 0) {
    return Fail(ErrorCode::kFailedPrecondition,
                fmt::format("cannot sync the directory '{}': {}", directory, SystemText(error)));
  }
  return {};
}

// For errno's reason.
tl::unexpected<Error> CannotWrite(const std::string& path) {
  return Fail(ErrorCode::kFailedPrecondition,
              fmt::format("cannot open '{}' for writing: {}", path, SystemText(errno)));
}

// A file that is there is looked at and not opened: see the header.
Result<void> MakeSureOfFile(const std::string& path) {
  std::string directory = std::filesystem::path(path).parent_path().string();
  if (directory.empty()) directory.assign(1, '.');
  struct stat attributes {};
  if (stat(directory.c_str(), &attributes) != 0) {
    return Fail(ErrorCode::kFailedPrecondition,
                fmt::format("cannot open '{}': its directory '{}' cannot be used: {}", path,
                            directory, SystemText(errno)));
  }
  // Only the owner may read: resources may hold secrets.
  const int created = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (created >= 0) {
    close(created);
    return SyncDirectory(directory);
  }
  // The first reason is the one to tell, unless there is a file.
  if (const int error = errno; stat(path.c_str(), &attributes) != 0) {
    errno = error;
    return CannotWrite(path);
  }
  if (!S_ISREG(attributes.st_mode)) {
    return Fail(ErrorCode::kFailedPrecondition, fmt::format("'{}' is not a regular file", path));
  }
  if (faccessat(AT_FDCWD, path.c_str(), R_OK | W_OK, AT_EACCESS) != 0) return CannotWrite(path);
  return {};
}

}  // namespace

bool MayHaveSeveralMachines(long file_system_type) {
  constexpr unsigned kTypes[] = {
      0x6969,      // NFS
      0x517b,      // SMB
      0xff534d42,  // CIFS
      0xfe534d42,  // SMB2
      0x01021997,  // 9P: a hypervisor's
      0x65735546,  // FUSE: sshfs, virtiofs, many cluster file systems
      0x00c36400,  // Ceph
      0x0bd00bd0,  // Lustre
      0x47504653,  // GPFS
      0x01161970,  // GFS2
      0x7461636f,  // OCFS2
      0x5346414f,  // AFS
      0x6b414653,  // AFS of the kernel
      0x73757245,  // Coda
  };
  return std::find(std::begin(kTypes), std::end(kTypes), static_cast<unsigned>(file_system_type)) !=
         std::end(kTypes);
}

Result<StoreLock> StoreLock::Take(const std::string& path) {
  if (auto ready = MakeSureOfFile(path); !ready) return tl::unexpected(ready.error());
  // By whatever name the file is opened, there is one lock.
  std::error_code unresolved;
  const auto real_path = std::filesystem::canonical(path, unresolved);
  if (unresolved) {
    return Fail(ErrorCode::kFailedPrecondition,
                fmt::format("cannot open '{}': {}", path, unresolved.message()));
  }
  const std::string lock_path = real_path.string() + "-lock";
  const int descriptor = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return CannotWrite(lock_path);
  StoreLock lock(descriptor);

  struct statfs file_system {};
  if (fstatfs(descriptor, &file_system) != 0) {
    return Fail(
        ErrorCode::kFailedPrecondition,
        fmt::format("cannot learn what file system '{}' is on: {}", path, SystemText(errno)));
  }
  const bool alone = MayHaveSeveralMachines(file_system.f_type);
  if (flock(descriptor, (alone ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) {
    return Fail(ErrorCode::kFailedPrecondition,
                fmt::format("cannot lock '{}': {}", lock_path, SystemText(errno)));
  }
  return Fail(ErrorCode::kFailedPrecondition,
              alone ? fmt::format("another control plane has '{}' open, and its file system may be "
                                  "mounted on several machines, where a file serves one control "
                                  "plane at a time; put it on a local disk",
                                  path)
                    : fmt::format("another program has '{}' to itself (it holds the lock '{}'); "
                                  "try again when it has finished",
                                  path, lock_path));
}

StoreLock::~StoreLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace sluice::controlplane
