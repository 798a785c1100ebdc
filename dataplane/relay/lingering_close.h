// Closing a socket on which bytes may still be under way: were it closed at once, what arrives
// afterwards would be answered with a reset, and a reset makes the peer's kernel throw away what
// the peer has not read yet. So our direction is ended (FIN), what arrives is read and dropped, and
// the socket is closed when the peer has ended too or after a short time. The session is over
// before that: it has been logged and is gone. Worker thread only.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "common/base/unique_fd.h"
#include "dataplane/loop/event_loop.h"

namespace sluice::dataplane {

class AcceptGate;

class LingeringSockets {
 public:
  LingeringSockets(EventLoop& loop, AcceptGate& gate);
  ~LingeringSockets();

  // Takes a connected socket that is registered with the loop. When as many as
  // limits::kLingeringSockets linger already it is closed at once.
  void Close(UniqueFd socket);

 private:
  class Lingering;
  void Finish(Lingering& socket);

  EventLoop& loop_;
  AcceptGate& gate_;
  std::vector<std::unique_ptr<Lingering>> sockets_;
};

}  // namespace sluice::dataplane
