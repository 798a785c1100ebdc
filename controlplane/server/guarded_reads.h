// Lets a FrameGuard see what gRPC reads from a connection, before gRPC does. gRPC has no place for
// that: it reads with recvmsg(2), and guarded_reads.cc defines that function for this process,
// which costs a look into a table where another process between us and the client would cost two
// more descriptors a connection and every byte twice (docs/adr/0008-frames-are-counted.md).
// Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "controlplane/server/frame_guard.h"

namespace sluice::controlplane {

// What a socket is to the kernel for as long as the kernel runs, whatever its descriptor; 0: none.
std::uint64_t SocketCookie(int fd);

// One connection for as long as this lives; others may have its number by then.
class GuardedReads {
 public:
  // `on_attack` gets what the guard says, once, on the thread that reads and not after the
  // destructor has begun to return: the connection reads as one that was reset from then on. It
  // must not wait for anybody.
  GuardedReads(int fd, std::unique_ptr<FrameGuard> guard,
               std::function<void(std::string_view)> on_attack);
  ~GuardedReads();
  GuardedReads(const GuardedReads&) = delete;
  GuardedReads& operator=(const GuardedReads&) = delete;

  // gRPC has closed it.
  bool closed() const;
  // Has anything been read under the guard's eyes?
  bool seen() const;

  struct Connection;  // Of guarded_reads.cc.

 private:
  const int fd_;
  const std::shared_ptr<Connection> connection_;
};

}  // namespace sluice::controlplane
