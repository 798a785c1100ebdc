// What a session finds around it on its worker: the loop, what it reads into, where it is counted,
// and what it shares with the worker's other sessions. Workers share nothing on the traffic path.
// Worker thread only, but where a comment says otherwise.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>

#include "common/base/limits.h"
#include "common/log/event_limit.h"
#include "dataplane/config/worker_listener.h"
#include "dataplane/loop/accept_gate.h"
#include "dataplane/loop/event_loop.h"
#include "dataplane/loop/memory_return.h"
#include "dataplane/relay/lingering_close.h"
#include "dataplane/relay/pipe_pool.h"
#include "dataplane/serve/live_sessions.h"
#include "dataplane/serve/upstream_table.h"

namespace sluice::dataplane {

struct UdpWorkspace;

class WorkerContext {
 public:
  // `loop` outlives this. Of `workers` in all this is the one numbered `index`.
  WorkerContext(EventLoop& loop, std::uint32_t index, std::uint32_t workers);
  ~WorkerContext();
  WorkerContext(const WorkerContext&) = delete;
  WorkerContext& operator=(const WorkerContext&) = delete;

  EventLoop& loop() { return loop_; }
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
  UpstreamTable& upstreams() { return upstreams_; }
  std::minstd_rand& random() { return random_; }
  LiveSessions& sessions() { return sessions_; }
  AcceptGate& accept_gate() { return accept_gate_; }
  PipePool& pipes() { return pipes_; }
  LingeringSockets& lingering() { return lingering_; }
  // Endpoints that go down and come back.
  EventLimit& endpoint_events() { return endpoint_events_; }
  MemoryReturn& memory_return() { return memory_return_; }
  // Made when the first UDP socket is served; then there until the worker ends.
  UdpWorkspace& udp();
  // Reading is thread-safe.
  SessionCensus& census() { return census_; }
  const SessionCensus& census() const { return census_; }

 private:
  EventLoop& loop_;
  const std::uint32_t index_;
  const std::uint32_t workers_;
  std::uint64_t last_session_id_;
  std::minstd_rand random_;
  std::array<char, limits::kRelayScratchBytes> scratch_;
  SessionCensus census_;
  UpstreamTable upstreams_;
  PipePool pipes_;
  AcceptGate accept_gate_;
  LingeringSockets lingering_;
  MemoryReturn memory_return_;
  EventLimit endpoint_events_{20, std::chrono::milliseconds(500)};
  LiveSessions sessions_;
  std::unique_ptr<UdpWorkspace> udp_;
  std::string text_;
};

}  // namespace sluice::dataplane
