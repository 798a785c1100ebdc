#include "common/model/upstream_endpoints.h"

#include "sluice/v1/endpoint_slice.pb.h"

namespace sluice::model {
namespace {

void Append(const Resource& object, std::vector<PlacedEndpoint>& out) {
  std::size_t index = 0;
  for (const v1::Endpoint& endpoint : *EndpointsIn(object)->endpoints) {
    out.push_back({&endpoint, &object, index++});
  }
}

}  // namespace

std::optional<EndpointList> EndpointsIn(const Resource& resource) {
  static const Kind* const kUpstream = FindKind("Upstream");
  static const Kind* const kSlice = FindKind("EndpointSlice");
  if (&resource.kind() == kUpstream) {
    return EndpointList{resource.key(), &resource.As<v1::Upstream>().spec().endpoints()};
  }
  if (&resource.kind() == kSlice) {
    const auto& spec = resource.As<v1::EndpointSlice>().spec();
    return EndpointList{{kUpstream, resource.key().ns, spec.upstream()}, &spec.endpoints()};
  }
  return std::nullopt;
}

std::vector<PlacedEndpoint> EndpointsOf(const ResourceSet& set, const ResourceKey& upstream) {
  static const Kind* const kSlice = FindKind("EndpointSlice");
  std::vector<PlacedEndpoint> endpoints;
  if (const Resource* object = set.Find(upstream)) Append(*object, endpoints);
  for (const Resource* referrer : set.Referrers(upstream)) {
    if (&referrer->kind() == kSlice) Append(*referrer, endpoints);
  }
  return endpoints;
}

}  // namespace sluice::model
