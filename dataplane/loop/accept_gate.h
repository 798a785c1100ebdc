// When a worker runs out of descriptors or memory it stops accepting, on all its listening sockets,
// until a session has closed or a pause is over and there are descriptors for another one.
// Connections wait in the kernel's queue meanwhile; nothing spins. Worker thread only.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/loop/event_loop.h"

namespace sluice::dataplane {

class AcceptGate final : private Timer, private IoHandler {
 public:
  explicit AcceptGate(EventLoop& loop) : loop_(loop) {}
  ~AcceptGate();

  // `acceptor` hears of `fd` (a listening socket; `events` as EventLoop::Add takes them) until
  // Leave(), but for the pauses.
  void Join(int fd, std::uint32_t events, IoHandler& acceptor);
  void Leave(int fd);

  void Pause();
  bool paused() const { return paused_; }
  // Would a client find descriptors for its session? Looked into for a while after a pause only.
  bool HasRoom() const;
  // A session gave its descriptors back: accepting goes on in the next round.
  void DescriptorsFreed() {
    if (paused_) loop_.Again(*this);
  }

 private:
  struct Listening {
    int fd;
    std::uint32_t events;
    IoHandler* acceptor;
  };

  void OnTimer() override { Resume(); }
  void OnEvents(std::uint32_t) override { Resume(); }
  void Resume();
  void Watch(const Listening& socket);

  EventLoop& loop_;
  std::vector<Listening> sockets_;
  bool paused_ = false;
  MonotonicTime scarce_until_{};
};

}  // namespace sluice::dataplane
