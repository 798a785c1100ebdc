// What all UDP sockets of a worker share. About 8 MiB of address space, of which memory is taken as
// far as datagrams ever filled it. Worker thread only.
#pragma once

#include <cstddef>

#include "dataplane/loop/event_loop.h"
#include "dataplane/relay/udp_messages.h"
#include "dataplane/relay/udp_replies.h"

namespace sluice::dataplane {

struct UdpWorkspace {
  explicit UdpWorkspace(EventLoop& loop) : replies(loop) {
    requests.PrepareToReceive(0, limits::kUdpBatch, true);
  }

  UdpMessages requests;  // Clients' datagrams. Ready to receive between events.
  UdpReplies replies;
  std::size_t flows = 0;  // Open, at most limits::kUdpFlows.
  // Kept with flows whose phases wait, at most limits::kUdpWaitingBytesTotal.
  std::size_t waiting_bytes = 0;
};

}  // namespace sluice::dataplane
