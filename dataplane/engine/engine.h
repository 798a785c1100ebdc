// The data plane's engine as the control thread sees it: workers that serve a runtime config.
// Publishing binds what has to be bound, then hands one pointer to each worker.
// Control thread only, but where a comment says otherwise.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/config/runtime_config.h"

namespace sluice::dataplane {

// A listener that could not be put in force.
struct BindProblem {
  std::string listener;  // namespace/name
  std::string reason;  // AddressInUse, AddressNotAvailable, PermissionDenied, ResourcesExhausted, …
  std::string message;  // For people: address, what went wrong, what is served meanwhile.
};

class Engine {
 public:
  // Starts the workers, with nothing to serve.
  static std::unique_ptr<Engine> Start(std::size_t workers);
  // Closes all sessions and joins the workers.
  virtual ~Engine() = default;

  // Puts `wanted` in force. Sockets are kept by address and protocol; new ones are bound before any
  // worker sees the config. A listener that cannot be bound keeps its earlier form, if there is
  // one, and is named in the answer; all others go live. `in_force` runs on a worker's thread once
  // every worker serves the config. Calling it again with the same config tries the failed ones
  // again.
  virtual std::vector<BindProblem> Publish(std::shared_ptr<const RuntimeConfig> wanted,
                                           std::function<void()> in_force) = 0;

  // Thread-safe: sessions open now, and those among them that began before the config in force.
  struct Sessions {
    std::uint64_t open = 0;
    std::uint64_t on_older_config = 0;
  };
  virtual Sessions sessions() const = 0;

  // Stops accepting, waits until no session is left or `deadline` has passed, then closes the rest
  // with CloseReason::kShutdown. Blocks.
  virtual void Shutdown(std::chrono::milliseconds deadline) = 0;

  virtual std::size_t workers() const = 0;
};

}  // namespace sluice::dataplane
