// When a worker runs out of descriptors or memory it stops accepting, on all its listeners, until a
// session has closed or a pause is over and there are descriptors for another one. Connections wait
// in the kernel's queue meanwhile; nothing spins. Worker thread only.
#pragma once

#include <vector>

#include "dataplane/loop/event_loop.h"

namespace sluice::dataplane {

// A listener that can be told to stop and go on.
class Acceptor {
 public:
  virtual void PauseAccepting() = 0;
  virtual void ResumeAccepting() = 0;

 protected:
  ~Acceptor() = default;
};

class AcceptGate final : private Timer, private IoHandler {
 public:
  explicit AcceptGate(EventLoop& loop) : loop_(loop) {}
  ~AcceptGate();

  // A joining acceptor is paused at once if accepting is paused.
  void Join(Acceptor& acceptor);
  void Leave(Acceptor& acceptor);

  void Pause();
  bool paused() const { return paused_; }
  // Would a client find descriptors for its session? Looked into for a while after a pause only.
  bool HasRoom() const;
  // A session gave its descriptors back: accepting goes on in the next round.
  void DescriptorsFreed() {
    if (paused_) loop_.Again(*this);
  }

 private:
  void OnTimer() override { Resume(); }
  void OnEvents(std::uint32_t) override { Resume(); }
  void Resume();

  EventLoop& loop_;
  std::vector<Acceptor*> acceptors_;
  bool paused_ = false;
  MonotonicTime scarce_until_{};
};

}  // namespace sluice::dataplane
