#include "dataplane/engine/worker.h"

#include <utility>

#include "common/base/thread_name.h"
#include "dataplane/accept/tcp_acceptor.h"
#include "dataplane/accept/udp_receiver.h"
#include "dataplane/relay/udp_workspace.h"

namespace sluice::dataplane {

std::unique_ptr<ServedSocket> MakeServedSocket(Worker& worker,
                                               std::shared_ptr<ListenSocket> socket) {
  return socket->protocol == Protocol::kUdp ? MakeUdpReceiver(worker, std::move(socket))
                                            : MakeTcpAcceptor(worker, std::move(socket));
}

Worker::Worker(std::unique_ptr<EventLoop> loop, std::uint32_t index, std::uint32_t workers)
    : loop_(std::move(loop)),
      index_(index),
      workers_(workers),
      last_session_id_(index + 1),
      random_(std::random_device{}()),
      accept_gate_(*loop_),
      lingering_(*loop_, accept_gate_),
      memory_return_(*loop_) {
  last_session_id_ -= workers_;  // The first id is index + 1.
}

Worker::~Worker() = default;

UdpWorkspace& Worker::udp() {
  if (udp_ == nullptr) udp_ = std::make_unique<UdpWorkspace>(*loop_);
  return *udp_;
}

void Worker::Start() {
  thread_ = std::thread([this] {
    NameThisThread("worker-" + std::to_string(index_));
    loop_->Run();
  });
}

void Worker::StopAndJoin() {
  loop_->Post([this] {
    Follow({});
    CloseSessionsForShutdown();
  });
  loop_->Stop();
  thread_.join();
}

void Worker::Follow(const std::vector<Assignment>& assignments) {
  std::vector<std::shared_ptr<const ListenerConfig>> listeners;
  listeners.reserve(assignments.size());
  for (const Assignment& assignment : assignments) listeners.push_back(assignment.listener);
  balancing_.Follow(listeners);

  ++follows_;
  for (const Assignment& assignment : assignments) {
    Served& served = served_[assignment.socket.get()];
    served.named_by = follows_;
    if (served.handler == nullptr) served.handler = MakeServedSocket(*this, assignment.socket);
    if (served.listener != nullptr) {
      if (served.listener->config == assignment.listener) continue;
      census_.Replaced(*served.listener);
    }
    served.listener = std::make_shared<ServedListener>(assignment.listener, index_);
    served.handler->Serve(served.listener);
  }
  for (auto it = served_.begin(); it != served_.end();) {
    const auto here = it++;
    Served& served = here->second;
    if (served.named_by == follows_ || served.listener == nullptr) continue;
    const bool done = served.handler->StopServing();
    census_.Replaced(*served.listener);
    served.listener = nullptr;
    if (!done) continue;
    loop_->Retire(std::move(served.handler));
    served_.erase(here);
  }
}

void Worker::RetireStopped(const ListenSocket& socket) {
  const auto it = served_.find(&socket);
  // A listener has come back to it, or it is within StopServing(), whose answer decides.
  if (it == served_.end() || it->second.listener != nullptr) return;
  loop_->Retire(std::move(it->second.handler));
  served_.erase(it);
}

}  // namespace sluice::dataplane
