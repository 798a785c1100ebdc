#include "dataplane/serve/worker_context.h"

#include "dataplane/relay/udp_workspace.h"

namespace sluice::dataplane {

WorkerContext::WorkerContext(EventLoop& loop, std::uint32_t index, std::uint32_t workers)
    : loop_(loop),
      index_(index),
      workers_(workers),
      last_session_id_(index + 1),
      random_(std::random_device{}()),
      upstreams_(index),
      accept_gate_(loop),
      lingering_(loop, accept_gate_),
      memory_return_(loop) {
  last_session_id_ -= workers_;  // The first id is index + 1.
}

WorkerContext::~WorkerContext() = default;

UdpWorkspace& WorkerContext::udp() {
  if (udp_ == nullptr) udp_ = std::make_unique<UdpWorkspace>(loop_);
  return *udp_;
}

}  // namespace sluice::dataplane
