// The UDP flows of one listening socket on one worker: which flow a datagram belongs to, and
// handing each flow the datagrams of a batch together, in their order. Worker thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "dataplane/config/worker_listener.h"
#include "dataplane/serve/refused_clients.h"
#include "dataplane/serve/udp_flow.h"
#include "dataplane/serve/worker_context.h"

namespace sluice::dataplane {

class UdpFlows {
 public:
  // `listen_fd` stays open as long as this. `drained` is called when the last flow has ended and no
  // listener is served any more.
  UdpFlows(WorkerContext& worker, int listen_fd, std::function<void()> drained);

  // New flows begin with `listener` from now on.
  void Serve(std::shared_ptr<WorkerListener> listener);
  // No new flows. False: there are flows left, so `drained` will be called.
  bool StopServing();

  // Takes datagrams of one client, which stay where they are until ForwardBatch().
  void Take(const UdpFlowKey& key, const UdpRun& run) { Dispatch(key, run, false); }
  void ForwardBatch();

  // The last one, if there is none any more.
  WorkerListener& listener() const { return *listener_; }

  // The flow has ended: it is destroyed at the end of the round.
  void OnFlowEnded(UdpFlow& flow);

 private:
  struct QueuedRun {
    UdpRun run;
    std::uint32_t next = UdpFlow::kNoRun;  // Of the same flow.
    bool retried = false;                  // A flow ended before it could be sent.
  };
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

  void Dispatch(const UdpFlowKey& key, UdpRun run, bool retried);
  // The flow that `run` belongs to; its first one begins it. Null: it is refused.
  UdpFlow* FlowOf(const UdpFlowKey& key, const UdpRun& run);
  UdpFlow* StartFlow(const UdpFlowKey& key, const UdpRun& first);
  void Queue(UdpFlow& flow, const UdpRun& run, bool retried);
  void ReleaseKey(UdpFlow& flow);
  void Forward(UdpFlow& flow);
  void Drop(const UdpRun& run) { listener_->counters.datagrams_dropped.Add(run.datagrams); }

  WorkerContext& worker_;
  const int listen_fd_;
  const std::function<void()> drained_;
  std::shared_ptr<WorkerListener> listener_;
  bool serving_ = false;
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

}  // namespace sluice::dataplane
