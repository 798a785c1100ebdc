#include "dataplane/accept/udp_receiver.h"

#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>

#include "common/base/limits.h"
#include "dataplane/relay/udp_socket.h"
#include "dataplane/relay/udp_workspace.h"
#include "dataplane/serve/udp_flows.h"
#include "dataplane/serve/worker_context.h"

namespace sluice::dataplane {
namespace {

// How many batches are taken in one round, so that other sockets come to their turn.
constexpr int kBatchesPerRound = 4;

// Before it is tried again to join the loop (the machine has no memory or epoll watches left).
constexpr std::chrono::milliseconds kJoinAgain{250};

class UdpReceiver final : public ServedSocket, private IoHandler, private Timer {
 public:
  UdpReceiver(WorkerContext& worker, std::shared_ptr<ListenSocket> socket,
              std::function<void()> drained)
      : worker_(worker),
        socket_(std::move(socket)),
        flows_(worker, socket_->fd.get(), [this, drained = std::move(drained)] {
          Leave();
          drained();
        }) {
    ConfigureUdpListenSocket(fd(), socket_->address);
    kernel_drops_ = UdpKernelDrops(fd());
    DiscardArrivals(fd(), false);
    worker_.udp();
  }
  ~UdpReceiver() override { Leave(); }

  void Serve(std::shared_ptr<WorkerListener> listener) override;
  bool StopServing() override;

 private:
  int fd() const { return socket_->fd.get(); }
  void Join();
  void Leave();
  void OnTimer() override { Join(); }
  void OnEvents(std::uint32_t events) override;
  std::size_t ReceiveBatch();
  void TakeMessage(std::size_t message);

  WorkerContext& worker_;
  const std::shared_ptr<ListenSocket> socket_;
  bool registered_ = false;
  std::uint32_t kernel_drops_ = 0;
  UdpFlows flows_;
};

void UdpReceiver::Serve(std::shared_ptr<WorkerListener> listener) {
  flows_.Serve(std::move(listener));
  if (!registered_) Join();
}

void UdpReceiver::Join() {
  // Edge-triggered: a batch that is not full ends reading.
  registered_ = worker_.loop().Add(fd(), EPOLLIN | EPOLLET, *this) == 0;
  if (!registered_) worker_.loop().timers().Arm(*this, worker_.loop().now() + kJoinAgain);
}

bool UdpReceiver::StopServing() {
  // What has arrived before may begin a flow, as connections in a TCP queue do; not what a flood
  // adds meanwhile.
  constexpr int kBatches = 64;
  for (int i = 0; i < kBatches && ReceiveBatch() == limits::kUdpBatch; ++i) {
  }
  if (!flows_.StopServing()) return false;
  Leave();
  return true;
}

// The control thread or other workers may still hold the socket, so closing it is not what ends the
// registration. While they do the kernel still gives it its share of the datagrams.
void UdpReceiver::Leave() {
  worker_.loop().CancelAgain(*this);
  worker_.loop().timers().Cancel(*this);
  if (!std::exchange(registered_, false)) return;
  worker_.loop().Remove(fd());
  DiscardArrivals(fd(), true);
}

void UdpReceiver::OnEvents(std::uint32_t) {
  if (!registered_) return;
  for (int i = 0; i < kBatchesPerRound; ++i) {
    if (ReceiveBatch() < limits::kUdpBatch) return;
  }
  worker_.loop().Again(*this);
}

std::size_t UdpReceiver::ReceiveBatch() {
  UdpMessages& messages = worker_.udp().requests;
  int received;
  do {
    received =
        ::recvmmsg(fd(), messages.headers().data(), limits::kUdpBatch, MSG_DONTWAIT, nullptr);
  } while (received < 0 && errno == EINTR);
  if (received <= 0) return 0;
  const auto count = static_cast<std::size_t>(received);
  for (std::size_t i = 0; i < count; ++i) TakeMessage(i);
  flows_.ForwardBatch();
  messages.PrepareToReceive(0, count, true);
  return count;
}

void UdpReceiver::TakeMessage(std::size_t message) {
  UdpMessages& messages = worker_.udp().requests;
  const UdpControl control = ParseUdpControl(messages.header(message));
  if (control.kernel_drops) {
    const std::uint32_t before = std::exchange(kernel_drops_, *control.kernel_drops);
    flows_.listener().counters.kernel_drops.Add(kernel_drops_ - before);
  }
  UdpFlowKey key = UdpFlowKey::OfClient(messages.peer(message));
  if (control.local) key.local = *control.local;
  const std::span<char> bytes = messages.bytes(message);
  UdpRun run{.data = bytes.data(),
             .size = bytes.size(),
             .segment = control.segment,
             .datagrams = UdpDatagrams(bytes.size(), control.segment)};
  if (run.datagrams == 1) run.segment = 0;
  flows_.listener().counters.datagrams_received.Add(run.datagrams);
  flows_.Take(key, run);
}

}  // namespace

std::unique_ptr<ServedSocket> MakeUdpReceiver(WorkerContext& worker,
                                              std::shared_ptr<ListenSocket> socket,
                                              std::function<void()> drained) {
  return std::make_unique<UdpReceiver>(worker, std::move(socket), std::move(drained));
}

}  // namespace sluice::dataplane
