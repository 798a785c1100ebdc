// The data plane's engine as the control thread sees it: workers that serve a runtime config.
// Publishing binds what has to be bound, then hands one pointer to each worker.
// Control thread only, but where a comment says otherwise.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/allowed_folders.h"
#include "dataplane/config/runtime_config.h"
#include "dataplane/engine/countdown.h"
#include "dataplane/engine/replaced.h"
#include "dataplane/engine/socket_table.h"
#include "dataplane/engine/worker.h"

namespace sluice::dataplane {

// A listener that could not be put in force.
struct BindProblem {
  std::string listener;  // namespace/name
  std::string reason;  // AddressInUse, AddressNotAvailable, PermissionDenied, ResourcesExhausted, …
  std::string message;  // For people: address, what went wrong, what is served meanwhile.
};

// Where a listener is served.
struct ServedListener {
  std::string listener;  // namespace/name
  Protocol protocol;
  SocketAddress address;
};

// What one Publish came to.
struct Published {
  std::vector<BindProblem> problems;
  std::vector<ServedListener> opened;  // Listeners that were not served, or not there.
  // What each worker was handed. An unchanged listener or upstream is not touched.
  std::size_t listeners = 0;  // New forms and new places.
  std::size_t upstreams = 0;  // New forms and removals.
};

class Engine {
 public:
  // Starts the workers, with nothing to serve. 1 to limits::kWorkers. Unix sockets are bound in
  // `folders` only.
  explicit Engine(std::size_t workers, AllowedFolders folders = AllowedFolders::Everywhere());
  // Closes all sessions and joins the workers.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Puts `wanted` in force. Sockets are kept by address and protocol; new ones are bound before any
  // worker sees the config. A listener that cannot be bound is served at its earlier address, if
  // there is one, in all else as wanted, and is named in the answer; all others go live. `in_force`
  // runs on a worker's thread once every worker serves the config. Calling it again with the same
  // config tries the failed ones again. Takes time by what differs from the config before, and by
  // the number of listeners only when one of them has changed or failed.
  Published Publish(std::shared_ptr<const RuntimeConfig> wanted, std::function<void()> in_force);

  // Listeners that are served, by name.
  std::vector<ServedListener> Serving() const;
  std::size_t serving() const { return in_force_.size(); }

  // Thread-safe: sessions open now, and those among them that began before their listener's config
  // in force.
  struct Sessions {
    std::uint64_t open = 0;
    std::uint64_t on_older_config = 0;
  };
  Sessions sessions() const;

  // Stops accepting, waits until no session is left or `deadline` has passed, then closes the rest
  // with CloseReason::kShutdown. Blocks.
  void Shutdown(std::chrono::milliseconds deadline);

  std::size_t workers() const { return workers_.size(); }

 private:
  struct Plan;
  Plan BindAll(const ListenerList& wanted, std::vector<BindProblem>& problems);
  void TakeInForce(const Plan& plan, std::vector<WorkerChange>& changes, Published& published);
  std::size_t ChangeUpstreams(const RuntimeConfig& wanted, std::vector<WorkerChange>& changes);
  template <typename Task>
  void RunOnAll(Task task, std::function<void()> when_all_have);

  SocketTable sockets_;
  std::vector<std::unique_ptr<Worker>> workers_;
  Countdown working_;  // Workers that have not done the last task yet.
  // A listener's form, and where it is served: elsewhere than it says while that cannot be bound.
  struct Served {
    std::shared_ptr<const ListenerConfig> listener;
    SocketKey key;
  };
  std::map<std::string, Served> in_force_;  // By namespace/name.
  std::shared_ptr<const RuntimeConfig> wanted_;
  bool all_bound_ = true;  // Of wanted_.
  // What was replaced and a session still holds, to be destroyed here and not by a worker.
  Replaced<ListenerConfig> replaced_listeners_;
  Replaced<UpstreamConfig> replaced_upstreams_;
};

}  // namespace sluice::dataplane
