#include "dataplane/relay/pipe_pool.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/base/limits.h"
#include "dataplane/loop/descriptor_limit.h"

namespace sluice::dataplane {
namespace {

// Idle pipes beyond these are closed: they hold descriptors that sessions may need.
constexpr std::size_t kIdlePipes = 32;
// A smaller pipe is not worth its two system calls.
constexpr int kSmallestPipe = 64 * 1024;

bool OpenPipe(Pipe& pipe) {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_NONBLOCK | O_CLOEXEC) != 0) return false;
  pipe.read_end.reset(fds[0]);
  pipe.write_end.reset(fds[1]);
  if (IsReservedDescriptor(std::max(fds[0], fds[1]))) return false;
  ::fcntl(pipe.write_end.get(), F_SETPIPE_SZ, static_cast<int>(limits::kPipeBytes));
  // When the user's share of pipe memory is used up the kernel hands out pipes of a page or two.
  return ::fcntl(pipe.write_end.get(), F_GETPIPE_SZ) >= kSmallestPipe;
}

}  // namespace

bool PipePool::Take(Pipe& pipe) {
  if (!idle_.empty()) {
    pipe = std::move(idle_.back());
    idle_.pop_back();
  } else if (in_use_ >= limits::kPooledPipes || !OpenPipe(pipe)) {
    pipe = Pipe{};
    return false;
  }
  ++in_use_;
  return true;
}

void PipePool::Give(Pipe pipe) {
  --in_use_;
  if (idle_.size() < kIdlePipes) idle_.push_back(std::move(pipe));
}

void PipePool::Drop(Pipe pipe) {
  --in_use_;
  pipe = Pipe{};
}

}  // namespace sluice::dataplane
