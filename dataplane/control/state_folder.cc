#include "dataplane/control/state_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "common/base/limits.h"
#include "dataplane/control/state_file.h"

namespace sluice::dataplane {
namespace {

tl::unexpected<Error> SystemFailure(std::string_view what, const std::string& path) {
  return Fail(ErrorCode::kUnavailable, fmt::format("cannot {} '{}': {}", what, path,
                                                   std::generic_category().message(errno)));
}

struct Holder {
  std::string node;
  std::string pid;
};

// `NODE PID`, by whoever had the lock when it was written.
Holder ReadHolder(int fd) {
  std::array<char, limits::kNodeIdLength + 32> bytes;
  const ssize_t got = ::pread(fd, bytes.data(), bytes.size(), 0);
  std::string_view text(bytes.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  text = text.substr(0, text.find('\n'));
  const std::size_t space = text.rfind(' ');
  if (space == std::string_view::npos) return {};
  return {std::string(text.substr(0, space)), std::string(text.substr(space + 1))};
}

}  // namespace

StateFolder::StateFolder(std::string dir, std::string node)
    : dir_(std::move(dir)), node_(std::move(node)) {}

std::string StateFolder::file() const { return StateFilePath(dir_); }

Result<void> StateFolder::Claim() {
  if (lock_) return {};
  of_another_node_ = false;
  std::error_code error;
  std::filesystem::create_directories(dir_, error);
  if (error) {
    return Fail(ErrorCode::kUnavailable,
                fmt::format("cannot create '{}': {}", dir_, error.message()));
  }
  if (::access(dir_.c_str(), R_OK | W_OK | X_OK) != 0) return SystemFailure("write to", dir_);
  return Lock();
}

Result<void> StateFolder::Lock() {
  const std::string path = dir_ + "/lock";
  UniqueFd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  if (!lock) return SystemFailure("open", path);
  struct stat status {};
  if (::fstat(lock.get(), &status) != 0) return SystemFailure("open", path);
  if (!S_ISREG(status.st_mode)) {
    return Fail(ErrorCode::kUnavailable, fmt::format("'{}' is not a plain file", path));
  }
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return SystemFailure("lock", path);
    const Holder holder = ReadHolder(lock.get());
    of_another_node_ = holder.node != node_;
    return Fail(ErrorCode::kConflict,
                fmt::format("'{}' is in use by another data plane, node '{}' with process id {}",
                            dir_, holder.node, holder.pid));
  }
  const std::string me = fmt::format("{} {}\n", node_, ::getpid());
  // Only to tell others; without room on the disk they are told less.
  if (::ftruncate(lock.get(), 0) == 0) {
    [[maybe_unused]] const ssize_t written = ::pwrite(lock.get(), me.data(), me.size(), 0);
  }
  lock_ = std::move(lock);
  return {};
}

}  // namespace sluice::dataplane
