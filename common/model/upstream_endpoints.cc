#include "common/model/upstream_endpoints.h"

#include "sluice/v1/endpoint_slice.pb.h"

namespace sluice::model {
namespace {

void Append(const google::protobuf::RepeatedPtrField<v1::Endpoint>& endpoints,
            const Resource& object, std::vector<PlacedEndpoint>& out) {
  std::size_t index = 0;
  for (const v1::Endpoint& endpoint : endpoints) out.push_back({&endpoint, &object, index++});
}

}  // namespace

std::vector<PlacedEndpoint> EndpointsOf(const ResourceSet& set, const ResourceKey& upstream) {
  static const Kind* const kSlice = FindKind("EndpointSlice");
  std::vector<PlacedEndpoint> endpoints;
  if (const Resource* object = set.Find(upstream)) {
    Append(object->As<v1::Upstream>().spec().endpoints(), *object, endpoints);
  }
  for (const Resource* referrer : set.Referrers(upstream)) {
    if (&referrer->kind() != kSlice) continue;
    Append(referrer->As<v1::EndpointSlice>().spec().endpoints(), *referrer, endpoints);
  }
  return endpoints;
}

}  // namespace sluice::model
