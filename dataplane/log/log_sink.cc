#include "dataplane/log/log_sink.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/base/limits.h"
#include "common/base/text_format.h"
#include "common/log/event_log.h"

namespace sluice::dataplane {
namespace {

constexpr std::chrono::seconds kRetry{1};
constexpr std::chrono::seconds kReport{10};
constexpr std::size_t kUsualBytes = 256 * 1024;

// A descriptor of our own for the same open file, so that closing it leaves the original alone.
int DuplicateStandard(const std::string& to) {
  return fcntl(to == "stdout" ? STDOUT_FILENO : STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
}

// O_NONBLOCK: a named pipe without a reader must not hold us up.
constexpr int kAppend = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
constexpr mode_t kMode = S_IRUSR | S_IWUSR | S_IRGRP;

tl::unexpected<Error> CannotOpen(const std::string& to, std::string_view why) {
  return Fail(ErrorCode::kFailedPrecondition,
              fmt::format("access log '{}' cannot be opened: {}", to, why));
}

Result<UniqueFd> OpenAllowed(const std::string& to, const AllowedFolders& folders) {
  if (!folders.Allows(to)) {
    return Fail(ErrorCode::kPermissionDenied,
                fmt::format("access log {} is refused: this data plane lets listeners write to "
                            "files below {} (--log-dir); write to stdout, or below an allowed "
                            "folder, or start the data plane with a --log-dir that the path is in",
                            Quoted(to), folders.Text()));
  }
  const auto folder = folders.OpenParent(to);
  if (!folder) return CannotOpen(to, folder.error().message);
  UniqueFd file(::openat(folder->get(), FileNameOf(to).c_str(), kAppend | O_NOFOLLOW, kMode));
  if (!file) {
    return CannotOpen(
        to, errno == ELOOP ? "it is a link, and links are not followed" : std::strerror(errno));
  }
  struct stat status {};
  if (fstat(file.get(), &status) != 0) return CannotOpen(to, std::strerror(errno));
  if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode)) {
    return CannotOpen(to, "it is neither a regular file nor a named pipe");
  }
  return file;
}

}  // namespace

Result<LogSink::Opened> LogSink::OpenDescriptor(const std::string& to, const LogPaths& paths) {
  Opened opened;
  if (to == "stdout" || to == "stderr") {
    opened.fd.reset(DuplicateStandard(to));
  } else if (to.starts_with('/')) {
    if (paths.folders.everywhere() || to == paths.own) {
      opened.fd.reset(::open(to.c_str(), kAppend, kMode));
    } else {
      auto file = OpenAllowed(to, paths.folders);
      if (!file) return tl::unexpected<Error>(std::move(file.error()));
      opened.fd = *std::move(file);
    }
  } else {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("must be stdout, stderr or an absolute path, got '{}'", to));
  }
  struct stat status {};
  if (!opened.fd || fstat(opened.fd.get(), &status) != 0) {
    return CannotOpen(to, std::strerror(errno));
  }
  opened.kind = S_ISREG(status.st_mode)    ? Kind::kFile
                : S_ISSOCK(status.st_mode) ? Kind::kSocket
                                           : Kind::kAskFirst;
  opened.device = status.st_dev;
  opened.inode = status.st_ino;
  return opened;
}

Result<std::unique_ptr<LogSink>> LogSink::Open(std::string_view to,
                                               std::shared_ptr<const LogPaths> paths) {
  std::string path(to);
  auto opened = OpenDescriptor(path, *paths);
  if (!opened) return tl::unexpected<Error>(std::move(opened.error()));
  return std::unique_ptr<LogSink>(
      new LogSink(std::move(path), std::move(paths), std::move(*opened)));
}

LogSink::LogSink(std::string to, std::shared_ptr<const LogPaths> paths, Opened opened)
    : to_(std::move(to)), paths_(std::move(paths)), open_(std::move(opened)) {}

bool LogSink::Append(std::string_view line) {
  if (pending_.size() - written_ + line.size() + 1 > limits::kAccessLogPendingBytes) return false;
  if (written_ > 0 && pending_.size() + line.size() >= pending_.capacity()) {
    const std::size_t done = NextRecord();
    pending_.erase(0, done);
    written_ -= done;
  }
  pending_ += line;
  pending_ += '\n';
  return true;
}

std::size_t LogSink::NextRecord() const {
  if (written_ == 0) return 0;
  const std::size_t end = pending_.rfind('\n', written_ - 1);
  return end == std::string::npos ? 0 : end + 1;
}

std::uint64_t LogSink::PendingRecords() const {
  return static_cast<std::uint64_t>(
      std::count(pending_.begin() + static_cast<std::ptrdiff_t>(written_), pending_.end(), '\n'));
}

ssize_t LogSink::WriteSome(std::string_view bytes) {
  switch (open_.kind) {
    case Kind::kSocket:
      return send(open_.fd.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    case Kind::kAskFirst: {
      pollfd room{open_.fd.get(), POLLOUT, 0};
      const int ready = poll(&room, 1, 0);
      if (ready < 0) return ready;
      if (ready == 0) {
        errno = EAGAIN;
        return -1;
      }
      return write(open_.fd.get(), bytes.data(), std::min<std::size_t>(bytes.size(), PIPE_BUF));
    }
    case Kind::kFile:
      break;
  }
  return write(open_.fd.get(), bytes.data(), bytes.size());
}

bool LogSink::Write(MonotonicTime now) {
  if (now < retry_at_) return false;
  bool wrote = false;
  while (HasPending()) {
    const ssize_t count = WriteSome(std::string_view(pending_).substr(written_));
    if (count > 0) {
      written_ += static_cast<std::size_t>(count);
      wrote = true;
      continue;
    }
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return wrote;
    Failed(count < 0 ? errno : ENOSPC, now);
    return wrote;
  }
  written_ = 0;
  pending_.clear();
  // What a stall made large is given back.
  if (pending_.capacity() > kUsualBytes) pending_.shrink_to_fit();
  return wrote;
}

void LogSink::Failed(int error, MonotonicTime now) {
  retry_at_ = now + kRetry;
  if (now < report_at_) return;
  report_at_ = now + kReport;
  LogEvent(LogLevel::kError, "access_log_write_failed",
           {{"to", to_}, {"error", std::strerror(error)}});
}

void LogSink::Reopen() {
  if (!to_.starts_with('/')) return;
  auto opened = OpenDescriptor(to_, *paths_);
  if (!opened) {
    LogEvent(LogLevel::kError, "access_log_reopen_failed",
             {{"to", to_}, {"error", opened.error().message}});
    return;
  }
  if (opened->device != open_.device || opened->inode != open_.inode) written_ = NextRecord();
  open_ = std::move(*opened);
  retry_at_ = {};
}

}  // namespace sluice::dataplane
