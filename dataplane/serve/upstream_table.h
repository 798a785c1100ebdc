// The upstreams in force, as one worker serves them. Worker thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/config/worker_listener.h"
#include "dataplane/config/worker_upstream.h"

namespace sluice::dataplane {

class UpstreamTable {
 public:
  explicit UpstreamTable(std::uint32_t worker) : worker_(worker) {}

  // `form` is in force from now on, for the new sessions of every listener that refers to the
  // upstream; what was remembered of its form before is carried over.
  void Put(std::shared_ptr<const UpstreamConfig> form);
  // The upstream is gone. Listeners that still refer to it keep its last form, and get the new one
  // should it come back.
  void Remove(std::uint32_t slot);

  // For a listener that refers to these upstreams, each of which must be in force or be held by an
  // earlier listener still.
  WorkerListener::Upstreams Find(
      const std::vector<std::shared_ptr<UpstreamShared>>& upstreams) const;

 private:
  struct Entry {
    std::shared_ptr<UpstreamSlot> in_force;
    std::weak_ptr<UpstreamSlot> last;  // Also when nothing is in force any more.
  };
  // Of this very upstream: a slot number may have been another one's before.
  std::shared_ptr<UpstreamSlot> SlotOf(const UpstreamShared& upstream) const;

  const std::uint32_t worker_;
  std::vector<Entry> entries_;  // By UpstreamShared::slot.
};

}  // namespace sluice::dataplane
