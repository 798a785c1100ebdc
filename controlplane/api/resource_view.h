// Objects as readers get them: what is stored, with the status that the fleet says now. DataPlane
// objects come from the fleet whole. Thread-safe.
#pragma once

#include <google/protobuf/any.pb.h>

#include <functional>
#include <memory>
#include <optional>

#include "common/model/resource.h"
#include "controlplane/api/resource_filter.h"
#include "controlplane/fleet/fleet_view.h"
#include "controlplane/store/catalog.h"

namespace sluice::controlplane {

// `resource` with `status` in its status field, as requests carry objects.
google::protobuf::Any WithStatus(const model::Resource& resource, const v1::ObjectStatus& status);

class ResourceView {
 public:
  ResourceView(const Catalog& catalog, const FleetView& fleet) : catalog_(catalog), fleet_(fleet) {}

  std::optional<google::protobuf::Any> Find(const model::ResourceKey& key) const;

  // Those the filter selects, by namespace and name, and the generation they are of.
  std::int64_t ForEach(const ResourceFilter& filter,
                       const std::function<void(const model::Resource&)>& visit) const;

  google::protobuf::Any Render(const model::Resource& resource) const;

 private:
  const Catalog& catalog_;
  const FleetView& fleet_;
};

}  // namespace sluice::controlplane
