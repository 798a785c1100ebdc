// One worker: a thread, its loop, and the sockets it serves. What it does with a connection or
// datagram stands in accept/ and serve/; what a session finds around it is the WorkerContext.
// Worker thread only, but where a comment says otherwise.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "dataplane/accept/listen_socket.h"
#include "dataplane/accept/served_socket.h"
#include "dataplane/serve/worker_context.h"

namespace sluice::dataplane {

// A socket and the listener it serves: what the control thread hands to each worker.
struct Assignment {
  std::shared_ptr<ListenSocket> socket;
  std::shared_ptr<const ListenerConfig> listener;
};

// What a new configuration changes for a worker.
struct WorkerChange {
  std::vector<std::shared_ptr<const UpstreamConfig>> upstreams;  // New forms.
  std::vector<std::uint32_t> removed_upstreams;                  // Their slots.
  // All that is to be served from now on; absent: as before.
  std::optional<std::vector<Assignment>> assignments;
};

class Worker {
 public:
  Worker(std::unique_ptr<EventLoop> loop, std::uint32_t index, std::uint32_t workers);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Control thread: starts the thread; stops it (all sessions must have ended or are cut off).
  void Start();
  void StopAndJoin();

  // Puts the change in force. Sockets that are not among the assignments any more are stopped,
  // sessions are left alone.
  void Follow(const WorkerChange& change);
  void CloseSessionsForShutdown() { context_.sessions().CloseAll(); }

  EventLoop& loop() { return *loop_; }
  WorkerContext& context() { return context_; }
  std::uint32_t index() const { return context_.index(); }
  // Thread-safe.
  const SessionCensus& census() const { return context_.census(); }

 private:
  void Serve(const std::vector<Assignment>& assignments);
  struct Serving {
    std::unique_ptr<ServedSocket> socket;
    std::shared_ptr<WorkerListener> listener;  // Null: stopped, but flows still need the socket.
    std::uint64_t named_by = 0;                // The last Follow() that named it.
  };

  std::unique_ptr<ServedSocket> Open(std::shared_ptr<ListenSocket> socket);
  // For a socket whose StopServing() was false and which has nothing left to do.
  void RetireStopped(const ListenSocket* socket);

  const std::unique_ptr<EventLoop> loop_;
  WorkerContext context_;
  absl::flat_hash_map<const ListenSocket*, Serving>
      serving_;  // Each ServedSocket holds its socket.
  std::uint64_t follows_ = 0;
  std::thread thread_;
};

}  // namespace sluice::dataplane
