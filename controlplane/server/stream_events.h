// What happens on discovery streams, passed on to the fleet and the event log. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "controlplane/discovery/discovery_response.h"
#include "controlplane/fleet/fleet.h"

namespace sluice::controlplane {

class StreamEvents {
 public:
  explicit StreamEvents(Fleet& fleet) : fleet_(fleet) {}

  void Answered(const NodeIdentity& node, const AnswerVerdict& verdict);
  // Another stream of the node is open; it has to end.
  void Replaced(const NodeIdentity& node);

 private:
  Fleet& fleet_;
  std::atomic<std::int64_t> last_replaced_log_{0};  // Steady seconds: clients can cause this.
};

}  // namespace sluice::controlplane
