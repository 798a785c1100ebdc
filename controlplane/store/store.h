// Where resources last. One interface for every engine; the engine knows bytes and keys, not kinds.
// A commit is one generation: all of it or nothing, durable before Commit returns.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/model/resource.h"

namespace sluice::controlplane {

// Everything at one generation.
struct StoreState {
  std::int64_t generation = 0;
  std::vector<model::Resource> resources;
};

// What one generation changed.
struct StoreCommit {
  std::int64_t generation = 0;
  std::vector<model::Change> changes;
};

// Thread-safe.
class Store {
 public:
  virtual ~Store() = default;

  virtual Result<StoreState> Read() = 0;

  // Makes generation based_on + 1. kConflict when the store is no longer at based_on (another
  // replica was faster): read and try again. Blocks until durable. Any other error: nothing was
  // stored. `changes` is not empty and names an object once.
  virtual Result<std::int64_t> Commit(std::int64_t based_on,
                                      const std::vector<model::Change>& changes) = 0;

  // The commits after `from`, oldest first, with what was before. kOutOfRange when they are no
  // longer kept (limits::kHistoryGenerations, kHistoryBytes), are more than limits::kWatchBacklog
  // changes, or `from` has not been reached yet.
  virtual Result<std::vector<StoreCommit>> CommitsAfter(std::int64_t from) = 0;

  // The earlier forms of an object that are still kept, newest first. For falling back from an
  // object that this program's version finds invalid.
  virtual Result<std::vector<model::Resource>> EarlierForms(const model::ResourceKey& key) = 0;
};

// `sqlite:PATH`; creates the file. Errors say what is wrong with the path or the file.
Result<std::unique_ptr<Store>> OpenStore(const std::string& location);

}  // namespace sluice::controlplane
