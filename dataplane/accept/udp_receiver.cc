#include "dataplane/accept/udp_receiver.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "common/base/limits.h"
#include "dataplane/accept/refused_clients.h"
#include "dataplane/engine/worker.h"
#include "dataplane/relay/udp_socket.h"
#include "dataplane/relay/udp_workspace.h"
#include "dataplane/serve/udp_flow.h"

namespace sluice::dataplane {
namespace {

// How many batches are taken in one round, so that other sockets come to their turn.
constexpr int kBatchesPerRound = 4;

// Flows by the key in themselves, so that an idle flow's key is kept once.
struct FlowHash {
  using is_transparent = void;
  std::size_t operator()(const UdpFlowKey& key) const { return absl::Hash<UdpFlowKey>()(key); }
  std::size_t operator()(const UdpFlow* flow) const { return (*this)(flow->key()); }
};
struct FlowEqual {
  using is_transparent = void;
  static const UdpFlowKey& Key(const UdpFlowKey& key) { return key; }
  static const UdpFlowKey& Key(const UdpFlow* flow) { return flow->key(); }
  template <typename A, typename B>
  bool operator()(const A& a, const B& b) const {
    return Key(a) == Key(b);
  }
};

class UdpReceiver final : public ServedSocket, private IoHandler, public UdpFlowOwner {
 public:
  UdpReceiver(Worker& worker, std::shared_ptr<ListenSocket> socket)
      : worker_(worker), socket_(std::move(socket)), refused_(worker.loop()) {
    ConfigureUdpListenSocket(fd(), socket_->address);
    kernel_drops_ = UdpKernelDrops(fd());
    DiscardArrivals(fd(), false);
    worker_.udp();
  }
  ~UdpReceiver() override { Leave(); }

  void Serve(std::shared_ptr<ServedListener> listener) override;
  bool StopServing() override;

 private:
  struct QueuedRun {
    UdpRun run;
    std::uint32_t next = UdpFlow::kNoRun;  // Of the same flow.
    bool retried = false;                  // A flow ended before it could be sent.
  };

  int fd() const { return socket_->fd.get(); }
  void Leave();
  void OnEvents(std::uint32_t events) override;
  void OnFlowEnded(UdpFlow& flow) override;

  std::size_t ReceiveBatch();
  void TakeMessage(std::size_t message);
  void Dispatch(const UdpFlowKey& key, UdpRun run, bool retried);
  UdpFlow* FlowOf(const UdpFlowKey& key);
  UdpFlow* StartFlow(const UdpFlowKey& key);
  void Queue(UdpFlow& flow, const UdpRun& run, bool retried);
  void ReleaseKey(UdpFlow& flow);
  void Forward(UdpFlow& flow);
  void Drop(const UdpRun& run) { listener_->counters.datagrams_dropped.Add(run.datagrams); }

  Worker& worker_;
  const std::shared_ptr<ListenSocket> socket_;
  std::shared_ptr<ServedListener> listener_;  // The last one, if there is none any more.
  bool serving_ = false;
  bool registered_ = false;
  std::uint32_t kernel_drops_ = 0;
  absl::flat_hash_set<UdpFlow*, FlowHash, FlowEqual> flows_;
  std::size_t flows_open_ = 0;  // Also those whose key has been released.
  RefusedClients refused_;

  // Of the batch in hand.
  std::vector<QueuedRun> runs_;
  std::vector<UdpFlow*> touched_;
  std::vector<UdpRun> forwarded_;  // Of the flow in hand, and where in runs_ they are.
  std::vector<std::uint32_t> indexes_;
  UdpFlow* last_ = nullptr;  // Datagrams of one flow tend to follow each other.
};

void UdpReceiver::Serve(std::shared_ptr<ServedListener> listener) {
  listener_ = std::move(listener);
  serving_ = true;
  refused_.Forget();
  // Edge-triggered: a batch that is not full ends reading.
  if (!registered_) registered_ = worker_.loop().Add(fd(), EPOLLIN | EPOLLET, *this) == 0;
}

bool UdpReceiver::StopServing() {
  // What has arrived before may begin a flow, as connections in a TCP queue do; not what a flood
  // adds meanwhile.
  constexpr int kBatches = 64;
  for (int i = 0; i < kBatches && ReceiveBatch() == limits::kUdpBatch; ++i) {
  }
  serving_ = false;
  if (flows_open_ != 0) return false;
  Leave();
  return true;
}

// The control thread or other workers may still hold the socket, so closing it is not what ends the
// registration. While they do the kernel still gives it its share of the datagrams.
void UdpReceiver::Leave() {
  worker_.loop().CancelAgain(*this);
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
  // By index: a datagram that a flow could not send may go to another one.
  for (std::size_t i = 0; i < touched_.size(); ++i) Forward(*touched_[i]);
  touched_.clear();
  runs_.clear();
  last_ = nullptr;
  messages.PrepareToReceive(0, count, true);
  return count;
}

void UdpReceiver::TakeMessage(std::size_t message) {
  UdpMessages& messages = worker_.udp().requests;
  const UdpControl control = ParseUdpControl(messages.header(message));
  if (control.kernel_drops) {
    const std::uint32_t before = std::exchange(kernel_drops_, *control.kernel_drops);
    listener_->counters.kernel_drops.Add(kernel_drops_ - before);
  }
  UdpFlowKey key = UdpFlowKey::OfClient(messages.peer(message));
  if (control.local) key.local = *control.local;
  const std::span<char> bytes = messages.bytes(message);
  UdpRun run{.data = bytes.data(),
             .size = bytes.size(),
             .segment = control.segment,
             .datagrams = UdpDatagrams(bytes.size(), control.segment)};
  if (run.datagrams == 1) run.segment = 0;
  listener_->counters.datagrams_received.Add(run.datagrams);
  Dispatch(key, run, false);
}

void UdpReceiver::Dispatch(const UdpFlowKey& key, UdpRun run, bool retried) {
  while (true) {
    UdpFlow* flow = FlowOf(key);
    if (flow == nullptr) return Drop(run);
    const std::uint32_t remaining = flow->Remaining();
    if (run.datagrams <= remaining) {
      Queue(*flow, run, retried);
      if (run.datagrams == remaining) ReleaseKey(*flow);
      return;
    }
    // maxRequests falls between datagrams that came as one.
    const std::size_t size = std::size_t{remaining} * run.segment;
    Queue(*flow,
          {.data = run.data,
           .size = size,
           .segment = remaining > 1 ? run.segment : std::uint16_t{0},
           .datagrams = remaining},
          retried);
    ReleaseKey(*flow);
    run.data += size;
    run.size -= size;
    run.datagrams -= remaining;
    if (run.datagrams == 1) run.segment = 0;
  }
}

UdpFlow* UdpReceiver::FlowOf(const UdpFlowKey& key) {
  if (last_ != nullptr && last_->key() == key) return last_;
  const auto known = flows_.find(key);
  last_ = known != flows_.end() ? *known : StartFlow(key);
  return last_;
}

UdpFlow* UdpReceiver::StartFlow(const UdpFlowKey& key) {
  if (!serving_ || refused_.Contains(key)) return nullptr;
  auto flow = std::make_unique<UdpFlow>(worker_, *this, listener_, fd(), key);
  const CloseReason reason = flow->Open();
  if (reason != CloseReason::kOpen) {
    if (refused_.Add(key)) flow->Refuse(reason);
    return nullptr;
  }
  flows_.insert(flow.get());
  ++flows_open_;
  return flow.release();  // Until OnFlowEnded().
}

void UdpReceiver::Queue(UdpFlow& flow, const UdpRun& run, bool retried) {
  const auto index = static_cast<std::uint32_t>(runs_.size());
  runs_.push_back({.run = run, .retried = retried});
  flow.Expect(run);
  if (flow.first_run == UdpFlow::kNoRun) {
    flow.first_run = index;
    touched_.push_back(&flow);
  } else {
    runs_[flow.last_run].next = index;
  }
  flow.last_run = index;
}

// The client's next datagram begins a flow of its own; this one goes on receiving.
void UdpReceiver::ReleaseKey(UdpFlow& flow) {
  if (last_ == &flow) last_ = nullptr;
  const auto known = flows_.find(flow.key());
  if (known != flows_.end() && *known == &flow) flows_.erase(known);
}

// All that this batch holds for the flow.
void UdpReceiver::Forward(UdpFlow& flow) {
  std::uint32_t next = std::exchange(flow.first_run, UdpFlow::kNoRun);
  while (next != UdpFlow::kNoRun) {
    forwarded_.clear();
    indexes_.clear();
    for (; next != UdpFlow::kNoRun && forwarded_.size() < limits::kUdpBatch;
         next = runs_[next].next) {
      forwarded_.push_back(runs_[next].run);
      indexes_.push_back(next);
    }
    const std::size_t done = flow.ended() ? 0 : flow.Forward(forwarded_);
    for (std::size_t i = done; i < forwarded_.size(); ++i) {
      const QueuedRun queued = runs_[indexes_[i]];  // By value: Dispatch() adds to runs_.
      if (queued.retried) {
        Drop(queued.run);
      } else {
        Dispatch(flow.key(), queued.run, true);
      }
    }
  }
}

void UdpReceiver::OnFlowEnded(UdpFlow& flow) {
  ReleaseKey(flow);
  worker_.loop().Retire(std::unique_ptr<Retirable>(&flow));
  if (--flows_open_ != 0 || serving_) return;
  Leave();
  worker_.RetireStopped(*socket_);
}

}  // namespace

std::unique_ptr<ServedSocket> MakeUdpReceiver(Worker& worker,
                                              std::shared_ptr<ListenSocket> socket) {
  return std::make_unique<UdpReceiver>(worker, std::move(socket));
}

}  // namespace sluice::dataplane
