// Notices that a file or a folder's files may have changed: written in place, replaced by a rename,
// or by the swap of a symbolic link (as Kubernetes mounts do). Several changes at once are one
// call, made at most half a second after the first. Control thread only.
#pragma once

#include <array>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/base/error.h"

namespace sluice::dataplane {

class FileWatch {
 public:
  // `on_change` may also run when nothing relevant has changed; whoever reads compares.
  static Result<std::unique_ptr<FileWatch>> Start(asio::io_context& control,
                                                  const std::string& path,
                                                  std::function<void()> on_change);

 private:
  FileWatch(asio::io_context& control, int inotify, std::function<void()> on_change);
  void Wait();

  asio::posix::stream_descriptor events_;
  asio::steady_timer settle_;
  std::optional<std::chrono::steady_clock::time_point> call_by_;  // Of a change not told yet.
  const std::function<void()> on_change_;
  std::array<char, 4096> buffer_;
};

}  // namespace sluice::dataplane
