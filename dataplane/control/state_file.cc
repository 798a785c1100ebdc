#include "dataplane/control/state_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "common/base/folder_sync.h"
#include "common/base/limits.h"
#include "common/base/unique_fd.h"

namespace sluice::dataplane {
namespace {

tl::unexpected<Error> SystemFailure(std::string_view what, const std::string& path) {
  return Fail(ErrorCode::kUnavailable, fmt::format("cannot {} '{}': {}", what, path,
                                                   std::generic_category().message(errno)));
}

tl::unexpected<Error> Damaged(const std::string& path, std::string_view why) {
  return Fail(ErrorCode::kDataLoss, fmt::format("saved state '{}' is damaged: {}", path, why));
}

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

std::string StateFilePath(const std::string& dir) { return dir + "/last-good"; }

Result<void> WriteStateFile(const std::string& path, const SavedSnapshot& snapshot) {
  const std::string bytes = EncodeSavedState(snapshot);
  if (bytes.size() > limits::kSavedStateBytes) {
    return Fail(ErrorCode::kResourceExhausted,
                fmt::format("saved state would have {} bytes, at most {} are allowed", bytes.size(),
                            limits::kSavedStateBytes));
  }
  const std::string staged = path + ".new";
  {
    // What a crash left, or somebody put there.
    if (unlink(staged.c_str()) != 0 && errno != ENOENT) return SystemFailure("remove", staged);
    const UniqueFd file(
        open(staged.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (file.get() < 0) return SystemFailure("create", staged);
    if (!WriteAll(file.get(), bytes) || fsync(file.get()) != 0) {
      auto failure = SystemFailure("write", staged);
      unlink(staged.c_str());  // It takes room on a disk that may have none left.
      return failure;
    }
  }
  if (rename(staged.c_str(), path.c_str()) != 0) return SystemFailure("replace", path);
  const std::string dir = std::filesystem::path(path).parent_path();
  errno = SyncFolder(dir);
  if (errno != 0) return SystemFailure("sync", dir);
  return {};
}

Result<std::optional<SavedSnapshot>> ReadStateFile(const std::string& path) {
  // A FIFO would be waited for.
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno == ENOENT) return std::nullopt;
    if (errno == ELOOP) return Damaged(path, "it is a link");
    return SystemFailure("read", path);
  }
  struct stat status {};
  if (fstat(file.get(), &status) != 0) return SystemFailure("read", path);
  if (!S_ISREG(status.st_mode)) return Damaged(path, "it is not a plain file");
  if (static_cast<std::size_t>(status.st_size) > limits::kSavedStateBytes) {
    return Damaged(path, "it is larger than any state that is written");
  }
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = read(file.get(), bytes.data() + have, bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemFailure("read", path);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  Result<SavedSnapshot> snapshot = DecodeSavedState(bytes);
  if (!snapshot) return Damaged(path, snapshot.error().message);
  return std::optional(*std::move(snapshot));
}

}  // namespace sluice::dataplane
