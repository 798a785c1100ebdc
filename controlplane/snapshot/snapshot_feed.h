// From the catalog to the streams: follows the catalog's generations on a thread of its own, keeps
// the snapshot of every node's visibility group current and tells who asked. The first change after
// quiet becomes a step at once; while changes go on, they gather for a while and become one step
// (StepPacer). Built from a loaded catalog only, so nothing is
// ever served from part of a store. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "common/model/resource.h"
#include "controlplane/snapshot/snapshot.h"
#include "controlplane/snapshot/visibility_index.h"
#include "controlplane/store/catalog.h"
#include "controlplane/store/store.h"

namespace sluice::controlplane {

// Gets the snapshots of one node. Called on the feed's thread, in order; must not block.
class SnapshotListener {
 public:
  virtual ~SnapshotListener() = default;
  virtual void OnSnapshot(std::shared_ptr<const Snapshot> snapshot) = 0;
};

class SnapshotFeed {
 public:
  // Both must outlive the feed. Blocks while it reads what earlier forms it needs.
  SnapshotFeed(Catalog& catalog, Store& store);
  // Ends the thread. Every View must be gone.
  ~SnapshotFeed();

  // What a node with certain labels sees; released by its destructor.
  class View {
   public:
    virtual ~View() = default;
    // Never null, and never older than what a listener was told.
    virtual std::shared_ptr<const Snapshot> Current() const = 0;
  };
  // The listener (empty: none) hears of every snapshot after the one that Current() gives first.
  std::unique_ptr<View> Open(const Labels& labels, std::weak_ptr<SnapshotListener> listener);

  // What Current() gives, of all groups, as of the last step; never null. A group that a View made
  // since is not in it yet.
  std::shared_ptr<const SnapshotStep> Step() const;
  std::int64_t generation() const { return Step()->generation; }
  // After each step, once the listeners have been told. Set before the first View is opened.
  void OnPublished(std::function<void()> callback);

 private:
  class State;
  class OpenView;
  std::shared_ptr<State> state_;
};

}  // namespace sluice::controlplane
