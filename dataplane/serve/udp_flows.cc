#include "dataplane/serve/udp_flows.h"

#include <utility>

#include "common/base/limits.h"

namespace sluice::dataplane {

UdpFlows::UdpFlows(WorkerContext& worker, int listen_fd, std::function<void()> drained)
    : worker_(worker),
      listen_fd_(listen_fd),
      drained_(std::move(drained)),
      refused_(worker.loop()) {}

void UdpFlows::Serve(std::shared_ptr<WorkerListener> listener) {
  listener_ = std::move(listener);
  serving_ = true;
  refused_.Forget();
}

bool UdpFlows::StopServing() {
  serving_ = false;
  return flows_open_ == 0;
}

void UdpFlows::ForwardBatch() {
  // By index: a datagram that a flow could not send may go to another one.
  for (std::size_t i = 0; i < touched_.size(); ++i) Forward(*touched_[i]);
  touched_.clear();
  runs_.clear();
  last_ = nullptr;
}

void UdpFlows::Dispatch(const UdpFlowKey& key, UdpRun run, bool retried) {
  while (true) {
    UdpFlow* flow = FlowOf(key, run);
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

UdpFlow* UdpFlows::FlowOf(const UdpFlowKey& key, const UdpRun& run) {
  if (last_ != nullptr && last_->key() == key) return last_;
  const auto known = flows_.find(key);
  last_ = known != flows_.end() ? *known : StartFlow(key, run);
  return last_;
}

UdpFlow* UdpFlows::StartFlow(const UdpFlowKey& key, const UdpRun& first) {
  if (!serving_ || refused_.Contains(key)) return nullptr;
  auto flow = std::make_unique<UdpFlow>(worker_, *this, listener_, listen_fd_, key);
  const CloseReason reason = flow->Open(first);
  if (reason != CloseReason::kOpen) {
    if (refused_.Add(key)) flow->Refuse(reason);
    return nullptr;
  }
  flows_.insert(flow.get());
  ++flows_open_;
  return flow.release();  // Until OnFlowEnded().
}

void UdpFlows::Queue(UdpFlow& flow, const UdpRun& run, bool retried) {
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
void UdpFlows::ReleaseKey(UdpFlow& flow) {
  if (last_ == &flow) last_ = nullptr;
  const auto known = flows_.find(flow.key());
  if (known != flows_.end() && *known == &flow) flows_.erase(known);
}

// All that this batch holds for the flow.
void UdpFlows::Forward(UdpFlow& flow) {
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

void UdpFlows::OnFlowEnded(UdpFlow& flow) {
  if (flow.was_refused()) refused_.Add(flow.key());
  ReleaseKey(flow);
  worker_.loop().Retire(std::unique_ptr<Retirable>(&flow));
  if (--flows_open_ == 0 && !serving_) drained_();
}

}  // namespace sluice::dataplane
