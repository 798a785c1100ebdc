#include "dataplane/control/file_watch.h"

#include <fmt/format.h>
#include <sys/inotify.h>

#include <algorithm>
#include <asio/buffer.hpp>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

namespace sluice::dataplane {
namespace {

namespace fs = std::filesystem;

// Changes that come together are waited for, but not for ever: a file may be written all the time.
constexpr std::chrono::milliseconds kSettle{50};
constexpr std::chrono::milliseconds kLongestWait{500};
constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE |
                                  IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF;

// A file is watched by its folder: one that replaces it has another inode.
std::set<std::string> FoldersOf(const std::string& path) {
  std::set<std::string> folders;
  for (const fs::path& form : {fs::absolute(path), fs::weakly_canonical(path)}) {
    folders.insert(fs::is_directory(form) ? form.string() : form.parent_path().string());
  }
  return folders;
}

}  // namespace

FileWatch::FileWatch(asio::io_context& control, int inotify, std::function<void()> on_change)
    : events_(control, inotify), settle_(control), on_change_(std::move(on_change)) {}

Result<std::unique_ptr<FileWatch>> FileWatch::Start(asio::io_context& control,
                                                    const std::string& path,
                                                    std::function<void()> on_change) {
  const auto failure = [&](int error) {
    return Fail(ErrorCode::kUnavailable, fmt::format("cannot watch '{}' for changes: {}", path,
                                                     std::generic_category().message(error)));
  };
  const int inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (inotify < 0) return failure(errno);
  std::unique_ptr<FileWatch> watch(new FileWatch(control, inotify, std::move(on_change)));
  try {
    for (const std::string& folder : FoldersOf(path)) {
      if (inotify_add_watch(inotify, folder.c_str(), kEvents) < 0) return failure(errno);
    }
  } catch (const fs::filesystem_error& error) {  // std::filesystem throws.
    return failure(error.code().value());
  }
  watch->Wait();
  return watch;
}

void FileWatch::Wait() {
  events_.async_read_some(asio::buffer(buffer_), [this](const std::error_code& error, std::size_t) {
    if (error) return;
    const auto now = std::chrono::steady_clock::now();
    if (!call_by_) call_by_ = now + kLongestWait;
    settle_.expires_at(std::min(now + kSettle, *call_by_));
    settle_.async_wait([this](const std::error_code& cancelled) {
      if (cancelled) return;
      call_by_.reset();
      on_change_();
    });
    Wait();
  });
}

}  // namespace sluice::dataplane
