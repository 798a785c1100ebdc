// Clients that were refused a moment ago. A TCP client that is refused goes away; a UDP client does
// not notice and keeps sending, and each of its datagrams would be a session to decide on, to count
// and to log. So the datagrams of a refused client are dropped for a second before it is asked
// about again. Bounded, whatever addresses are made up. Worker thread only.
#pragma once

#include <chrono>

#include "absl/container/flat_hash_set.h"
#include "common/base/limits.h"
#include "dataplane/loop/event_loop.h"
#include "dataplane/session/udp_flow_key.h"

namespace sluice::dataplane {

class RefusedClients final : private Timer {
 public:
  explicit RefusedClients(EventLoop& loop) : loop_(loop) {}

  bool Contains(const UdpFlowKey& key) const { return !keys_.empty() && keys_.contains(key); }
  // False: there are too many already, so this refusal is not to be counted or logged.
  bool Add(const UdpFlowKey& key) {
    if (keys_.size() >= limits::kUdpRefusedClients) return false;
    keys_.insert(key);
    if (!armed()) loop_.timers().Arm(*this, loop_.now() + std::chrono::seconds(1));
    return true;
  }
  // The configuration has changed: all may be asked about again.
  void Forget() { keys_.clear(); }

 private:
  void OnTimer() override { Forget(); }

  EventLoop& loop_;
  absl::flat_hash_set<UdpFlowKey> keys_;
};

}  // namespace sluice::dataplane
