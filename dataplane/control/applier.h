// Puts what a source stages in force: compile → Engine::Publish → what came of it. The one place
// that knows which generation the workers serve. Addresses that could not be bound and access logs
// that could not be opened are tried again every second until they heal.
// Control thread only, but for snapshot().
#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/mutex.h"
#include "common/log/event_limit.h"
#include "dataplane/compile/compiler.h"
#include "dataplane/config/runtime_config.h"
#include "dataplane/engine/engine.h"
#include "sluice/v1/node_status.pb.h"

namespace sluice::dataplane {

// Where a listener is wanted, and where it is served meanwhile.
struct ListenerPlace {
  std::string name;    // namespace/name
  std::string wanted;  // spec.address; empty: it has gone, and waits for what keeps it.
  std::string served;  // Empty: not served.
};

class Applier {
 public:
  // Which state of the source something belongs to; 0 and empty when the source has no generations.
  struct Generation {
    std::int64_t number = 0;
    std::string digest;
    bool complete = false;  // A whole state of the source, not one object's change.
  };

  // `on_change` runs on the control thread whenever an answer of the getters below has changed.
  // The engine may post to `control` for as long as it lives.
  Applier(asio::io_context& control, Engine& engine, Compiler::Settings settings,
          std::function<void()> on_change);

  void Apply(ResourceUpdates updates, Generation generation);
  // As Apply, for what was in force when the state was saved. See Compiler::InForceInstead.
  void Restore(const std::vector<VersionedResource>& accepted,
               const ResourceUpdates& in_force_instead, Generation generation);

  // Nothing is published from now on.
  void Stop();

  // In force on every worker.
  const Generation& active() const { return active_; }
  // Something complete is in force, even if it is empty; from a source that changes object by
  // object at least one listener.
  bool ready() const { return ready_; }
  // Configurations put in force on every worker.
  std::uint64_t swaps() const { return swaps_; }
  // Of compiling and binding; what the source refused by itself is not among them.
  std::vector<v1::ResourceProblem> Problems() const;
  // How many listeners are served.
  std::size_t serving() const { return engine_.serving(); }
  // Every listener that this data plane is to serve or serves, by name.
  std::vector<ListenerPlace> Listeners() const;
  ResourceUpdates InForceInstead() const { return compiler_.InForceInstead(); }
  std::vector<VersionedResource> InForce() const { return compiler_.InForce(); }

  // The config handed out last. Thread-safe.
  std::shared_ptr<const RuntimeConfig> snapshot() const;

 private:
  struct Publishing {
    std::uint64_t number;
    Generation generation;
    std::size_t listeners;  // New forms.
    std::size_t upstreams;
  };
  std::shared_ptr<const RuntimeConfig> Compile(ResourceUpdates updates);
  void Publish(Generation generation);
  void PublishAgain();
  void Retry();
  void ScheduleRetry();
  void TakeOver(const Published& published);
  void TakeBindProblems(const std::vector<BindProblem>& problems);
  void OnInForce(std::uint64_t number);
  void Settle(Generation generation);

  asio::io_context& control_;
  Engine& engine_;
  Compiler compiler_;
  const std::function<void()> on_change_;

  std::shared_ptr<const RuntimeConfig> config_;
  std::vector<v1::ResourceProblem> bind_problems_;
  asio::steady_timer retry_timer_;
  EventLimit swap_events_{20, std::chrono::milliseconds(500)};
  const MonotonicTime started_ = std::chrono::steady_clock::now();
  std::chrono::milliseconds retry_cost_{0};  // Of the last one.
  bool retry_changed_ = false;               // What is served; to be told once it is in force.
  std::deque<Publishing> publishing_;        // Not in force on every worker yet, oldest first.
  std::uint64_t publishes_ = 0;
  std::uint64_t swaps_ = 0;
  Generation active_;
  bool ready_ = false;
  bool stopped_ = false;

  mutable Mutex snapshot_mutex_;
  std::shared_ptr<const RuntimeConfig> snapshot_ ABSL_GUARDED_BY(snapshot_mutex_);
};

}  // namespace sluice::dataplane
