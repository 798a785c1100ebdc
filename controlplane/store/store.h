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

// Thread-safe. Others may write to the same store: other processes, or others of this one.
class Store {
 public:
  virtual ~Store() = default;

  virtual Result<StoreState> Read() = 0;

  // Makes the next generation and returns its number: greater than based_on, not always by one.
  // kConflict when the store is no longer at based_on (somebody else was faster): read and try
  // again. Blocks until durable. Any error: nothing was stored. `changes` is not empty and names an
  // object once.
  virtual Result<std::int64_t> Commit(std::int64_t based_on,
                                      const std::vector<model::Change>& changes) = 0;

  // The commits after `from`, whoever made them, oldest first, with what was before. kOutOfRange
  // when they are no longer kept (limits::kHistoryGenerations, kHistoryBytes), are more than
  // limits::kWatchBacklog changes, or `from` has not been reached yet.
  virtual Result<std::vector<StoreCommit>> CommitsAfter(std::int64_t from) = 0;

  // The earlier forms of an object that are still kept, newest first. For falling back from an
  // object that this program's version finds invalid.
  virtual Result<std::vector<model::Resource>> EarlierForms(const model::ResourceKey& key) = 0;

  // Called with every commit after where the following began, whoever made it (this store's own
  // too), in order and without a gap, at most limits::kWatchBacklog changes at once. One call at a
  // time, on a thread of the following's, without any lock of the store's held; may use the store.
  // A commit is told at least once: what was Passed meanwhile may still come.
  //
  // An error: nothing could be read, and it is tried again, up to limits::kFollowPause apart, each
  // time with a call. kOutOfRange: it never will be, as under CommitsAfter; Read() and go on from
  // there with Passed(). An empty batch: it can be read again, and nothing has happened.
  using Sink = std::function<void(Result<std::vector<StoreCommit>>)>;

  class Following {
   public:
    // Returns when the sink is not running and never will again. Not from the sink.
    virtual ~Following() = default;
    // The follower has everything up to `generation` by other means (made it, read it): go on from
    // there. From any thread, the sink included; a generation that was told already changes
    // nothing.
    virtual void Passed(std::int64_t generation) = 0;
  };
  // Tells `sink` of what is committed after `from`. What others commit is told within
  // limits::kFollowInterval and the time it takes to read. The store must outlive the following.
  virtual std::unique_ptr<Following> Follow(std::int64_t from, Sink sink) = 0;
};

// `sqlite:PATH`; creates the file. Errors say what is wrong with the path or the file.
Result<std::unique_ptr<Store>> OpenStore(const std::string& location);

}  // namespace sluice::controlplane
