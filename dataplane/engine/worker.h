// One worker: a thread, its loop, its sockets and its sessions. It shares nothing on the traffic
// path with other workers. What it does with a connection or datagram stands in accept/, session/
// and relay/; this is what they find around them. Worker thread only, but where a comment says
// otherwise.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/base/limits.h"
#include "dataplane/accept/served_socket.h"
#include "dataplane/config/served_listener.h"
#include "dataplane/loop/accept_gate.h"
#include "dataplane/loop/event_loop.h"
#include "dataplane/loop/memory_return.h"
#include "dataplane/relay/lingering_close.h"
#include "dataplane/relay/pipe_pool.h"
#include "dataplane/serve/balancer_memories.h"
#include "dataplane/serve/live_sessions.h"

namespace sluice::dataplane {

struct UdpWorkspace;

// A socket and the listener it serves: what the control thread hands to each worker.
struct Assignment {
  std::shared_ptr<ListenSocket> socket;
  std::shared_ptr<const ListenerConfig> listener;
};

class Worker {
 public:
  Worker(std::unique_ptr<EventLoop> loop, std::uint32_t index, std::uint32_t workers);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Control thread: starts the thread; stops it (all sessions must have ended or are cut off).
  void Start();
  void StopAndJoin();

  // Serves exactly `assignments` from now on: sockets that are not among them are stopped, sessions
  // are left alone.
  void Follow(const std::vector<Assignment>& assignments);
  // For a socket whose StopServing() was false and which has nothing left to do.
  void RetireStopped(const ListenSocket& socket);
  void CloseSessionsForShutdown() { sessions_.CloseAll(); }

  EventLoop& loop() { return *loop_; }
  std::uint32_t index() const { return index_; }
  // The ids of all workers interleave, so that they are unique in the process.
  std::uint64_t NextSessionId() { return last_session_id_ += workers_; }
  // What is read goes here first. Valid until the next read of this worker.
  std::span<char> scratch() { return scratch_; }
  // For text that is rendered and used at once (hash keys, log records). Empty.
  std::string& EmptyText() {
    text_.clear();
    return text_;
  }
  BalancerMemories& balancing() { return balancing_; }
  std::minstd_rand& random() { return random_; }
  LiveSessions& sessions() { return sessions_; }
  AcceptGate& accept_gate() { return accept_gate_; }
  PipePool& pipes() { return pipes_; }
  LingeringSockets& lingering() { return lingering_; }
  MemoryReturn& memory_return() { return memory_return_; }
  // Made when the first UDP socket is served; then there until the worker ends.
  UdpWorkspace& udp();
  // Reading is thread-safe.
  SessionCensus& census() { return census_; }
  const SessionCensus& census() const { return census_; }

 private:
  struct Served {
    std::unique_ptr<ServedSocket> handler;
    std::shared_ptr<ServedListener> listener;  // Null: stopped, but flows still need the socket.
    std::uint64_t named_by = 0;                // The last Follow() that named it.
  };

  const std::unique_ptr<EventLoop> loop_;
  const std::uint32_t index_;
  const std::uint32_t workers_;
  std::uint64_t last_session_id_;
  std::minstd_rand random_;
  std::array<char, limits::kRelayScratchBytes> scratch_;
  SessionCensus census_;
  BalancerMemories balancing_;
  PipePool pipes_;
  AcceptGate accept_gate_;
  LingeringSockets lingering_;
  MemoryReturn memory_return_;
  LiveSessions sessions_;
  std::unique_ptr<UdpWorkspace> udp_;
  absl::flat_hash_map<const ListenSocket*, Served> served_;  // The handlers hold the sockets.
  std::uint64_t follows_ = 0;
  std::string text_;
  std::thread thread_;
};

// What serves a socket of the given protocol.
std::unique_ptr<ServedSocket> MakeServedSocket(Worker& worker,
                                               std::shared_ptr<ListenSocket> socket);

}  // namespace sluice::dataplane
