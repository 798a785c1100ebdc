// The current generation in memory: what the API answers from and the snapshots are made of. Loads
// the store at start, commits through it, follows what others commit to it, and tells subscribers
// of each new generation in order, whoever made it. Its numbers are the store's and may have gaps.
// Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "common/base/error.h"
#include "common/model/resource.h"
#include "controlplane/store/store.h"

namespace sluice::controlplane {

// Immutable.
struct CatalogState {
  std::int64_t generation = 0;
  model::ResourceSet resources;
};

struct CatalogChange {
  std::shared_ptr<const CatalogState> after;
  std::vector<model::Change> changes;  // With what was before.
};

class Catalog {
 public:
  // Called once for every generation, in order, never two at a time, without any lock of the
  // catalog's held; on the thread that commits, or the store's for what others committed. A catalog
  // that fell too far behind the store makes one change of all that it missed. Must not block and
  // must not call Commit.
  using Subscriber = std::function<void(const CatalogChange&)>;

  // Reads the whole store and follows it from there. `store` must outlive the catalog.
  static Result<std::unique_ptr<Catalog>> Load(Store& store);
  virtual ~Catalog() = default;

  virtual std::shared_ptr<const CatalogState> Current() const = 0;

  // Store commit, then the new state, then the subscribers, then the return. kConflict: `based_on`
  // is not the newest generation; Current() is newer than it by now, so that a next try is based on
  // what was faster. Any error: nothing was stored.
  virtual Result<std::shared_ptr<const CatalogState>> Commit(
      std::int64_t based_on, std::vector<model::Change> changes) = 0;

  // The changes after `from`, oldest first; kOutOfRange when they are no longer kept.
  virtual Result<std::vector<StoreCommit>> CommitsAfter(std::int64_t from) const = 0;

  // Gets every generation after the state it returns. The subscription ends when the handle goes.
  struct Subscription {
    std::shared_ptr<const CatalogState> from;
    std::shared_ptr<void> handle;
  };
  virtual Subscription Subscribe(Subscriber subscriber) = 0;
};

}  // namespace sluice::controlplane
