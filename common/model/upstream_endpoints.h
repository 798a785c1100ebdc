// All endpoints of an upstream: its own, then those of its slices by slice name. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "common/base/address.h"
#include "common/model/resource.h"
#include "sluice/v1/upstream.pb.h"

namespace sluice::model {

using Endpoints = google::protobuf::RepeatedPtrField<v1::Endpoint>;

// Endpoints that stand in one object.
struct EndpointList {
  ResourceKey upstream;        // Whose they are.
  const Endpoints* endpoints;  // In the object's message.
};
// nullopt: the object is no Upstream and no EndpointSlice.
std::optional<EndpointList> EndpointsIn(const Resource& resource);

struct PlacedEndpoint {
  const v1::Endpoint* endpoint;  // In the object's message.
  const Resource* object;        // The Upstream or the EndpointSlice it stands in.
  std::size_t index;             // Of its spec.endpoints.
};

// `upstream` is a key of kind Upstream; when it is not in the set, only its slices count.
std::vector<PlacedEndpoint> EndpointsOf(const ResourceSet& set, const ResourceKey& upstream);

}  // namespace sluice::model
