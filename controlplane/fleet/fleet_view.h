// What the API asks about the data planes. Implemented by the fleet; a seam so that the API's tests
// need no streams. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/model/resource.h"
#include "sluice/v1/meta.pb.h"
#include "sluice/v1/resources.pb.h"

namespace sluice::controlplane {

class FleetView {
 public:
  virtual ~FleetView() = default;

  // DataPlane objects (kind DataPlane, namespace default), in name order.
  virtual std::vector<model::Resource> DataPlanes() const = 0;

  // The conditions of a stored object: Accepted, ResolvedRefs, Programmed, Synced n/m. Says what
  // is, from the nodes' reports.
  virtual v1::ObjectStatus StatusOf(const model::Resource& resource) const = 0;

  // How far `generation` has come over the nodes that may see one of `objects` (all nodes when
  // empty).
  virtual v1::RolloutResponse Progress(std::int64_t generation,
                                       const std::vector<model::ResourceKey>& objects) const = 0;

  // Called after anything of the above may have changed, from any thread, not more often than every
  // 10 ms; must not block. Ends when the handle goes.
  virtual std::shared_ptr<void> OnChange(std::function<void()> callback) = 0;
};

}  // namespace sluice::controlplane
