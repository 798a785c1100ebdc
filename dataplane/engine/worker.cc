#include "dataplane/engine/worker.h"

#include <string>
#include <utility>

#include "common/base/thread_name.h"
#include "dataplane/accept/tcp_acceptor.h"
#include "dataplane/accept/udp_receiver.h"

namespace sluice::dataplane {

Worker::Worker(std::unique_ptr<EventLoop> loop, std::uint32_t index, std::uint32_t workers)
    : loop_(std::move(loop)), context_(*loop_, index, workers) {}

void Worker::Start() {
  thread_ = std::thread([this] {
    NameThisThread("worker-" + std::to_string(index()));
    loop_->Run();
  });
}

void Worker::StopAndJoin() {
  loop_->Post([this] {
    Serve({});
    CloseSessionsForShutdown();
  });
  loop_->Stop();
  thread_.join();
}

std::unique_ptr<ServedSocket> Worker::Open(std::shared_ptr<ListenSocket> socket) {
  if (socket->protocol == Protocol::kTcp) return MakeTcpAcceptor(context_, std::move(socket));
  const ListenSocket* key = socket.get();
  return MakeUdpReceiver(context_, std::move(socket), [this, key] { RetireStopped(key); });
}

void Worker::Follow(const WorkerChange& change) {
  for (const auto& upstream : change.upstreams) context_.upstreams().Put(upstream);
  if (change.assignments) Serve(*change.assignments);
  for (const std::uint32_t slot : change.removed_upstreams) context_.upstreams().Remove(slot);
}

void Worker::Serve(const std::vector<Assignment>& assignments) {
  ++follows_;
  for (const Assignment& assignment : assignments) {
    Serving& serving = serving_[assignment.socket.get()];
    serving.named_by = follows_;
    if (serving.socket == nullptr) serving.socket = Open(assignment.socket);
    if (serving.listener != nullptr) {
      if (serving.listener->config == assignment.listener) continue;
      context_.census().Replaced(*serving.listener);
    }
    serving.listener = std::make_shared<WorkerListener>(
        assignment.listener, assignment.socket->address,
        context_.upstreams().Find(assignment.listener->upstreams), index());
    serving.socket->Serve(serving.listener);
  }
  std::vector<const ListenSocket*> to_stop;
  for (const auto& [key, serving] : serving_) {
    if (serving.named_by != follows_ && serving.listener != nullptr) to_stop.push_back(key);
  }
  for (const ListenSocket* key : to_stop) {
    // Stopping one may retire others: what it reads last may end the last flow of one that stopped
    // before.
    const auto here = serving_.find(key);
    if (here == serving_.end()) continue;
    Serving& serving = here->second;
    const bool done = serving.socket->StopServing();
    context_.census().Replaced(*serving.listener);
    serving.listener = nullptr;
    if (!done) continue;
    loop_->Retire(std::move(serving.socket));
    serving_.erase(here);
  }
}

void Worker::RetireStopped(const ListenSocket* socket) {
  const auto it = serving_.find(socket);
  // A listener has come back to it, or it is within StopServing(), whose answer decides.
  if (it == serving_.end() || it->second.listener != nullptr) return;
  loop_->Retire(std::move(it->second.socket));
  serving_.erase(it);
}

}  // namespace sluice::dataplane
