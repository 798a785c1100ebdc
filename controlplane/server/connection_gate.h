// Accepts the connections of a gRPC port and hands over to gRPC those that speak HTTP/2. gRPC 1.51
// accepts by itself only until descriptors run out once, and keeps whoever says nothing. Which
// connections are taken is connection_table.h's; what it refuses is closed at once, counted and
// said in the event log, and there is room again as soon as others have ended. What a connection
// that was handed over sends is under the eyes of a FrameGuard. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "common/base/error.h"
#include "common/base/listening.h"
#include "common/base/socket_file.h"
#include "common/base/unique_fd.h"
#include "controlplane/server/connection_table.h"
#include "controlplane/server/frame_guard.h"

namespace sluice::controlplane {

struct ConnectionCounts {
  std::uint64_t open = 0;      // Now; the silent ones included.
  std::uint64_t silent = 0;    // Now: have not said anything yet.
  std::uint64_t accepted = 0;  // Since the start, as all that follow.
  std::uint64_t refused = 0;   // For want of room.
  std::uint64_t unspoken = 0;  // Closed because they said nothing, or something that is not HTTP/2.
  std::uint64_t cut = 0;       // After what they sent: see FrameGuard.
  std::uint64_t pauses = 0;    // Times that accepting stopped because descriptors ran out.
};

// Of a connection, of all connections of a peer, and of all of the port.
struct PortFrameBounds {
  FrameBounds connection;
  FrameBounds peer;
  FrameBounds port;
  Allowance cuts;  // Connections of a peer that have been cut, before it gets no new ones.
};

struct GateOptions {
  std::string flag;  // Of the port, for events: `--api`.
  Listening listening;
  ConnectionBounds bounds;
  PortFrameBounds frames;
  // Owns the descriptor from then on. On the gate's thread.
  std::function<void(int fd)> hand_over;
};

class ConnectionGate {
 public:
  // Accepts until it is destroyed. kUnavailable: there are no descriptors for it.
  static Result<std::unique_ptr<ConnectionGate>> Open(GateOptions options);
  // Closes the port and all connections that were not handed over.
  ~ConnectionGate();
  ConnectionGate(const ConnectionGate&) = delete;
  ConnectionGate& operator=(const ConnectionGate&) = delete;

  ConnectionCounts counts() const;

 private:
  class Loop;

  explicit ConnectionGate(std::unique_ptr<Loop> loop);

  const std::unique_ptr<Loop> loop_;
  std::thread thread_;
};

}  // namespace sluice::controlplane
