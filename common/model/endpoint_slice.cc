#include "common/model/endpoint_slice.h"

#include "common/base/limits.h"
#include "common/model/upstream.h"
#include "sluice/v1/endpoint_slice.pb.h"

namespace sluice::model {

void ValidateEndpointSlice(const google::protobuf::Message& message, Violations& violations) {
  const auto& spec = dynamic_cast<const v1::EndpointSlice&>(message).spec();
  FieldCheck check(violations);
  check.ObjectName("spec.upstream", spec.upstream());
  CheckEndpoints(spec.endpoints(), "spec.endpoints", limits::kSliceEndpoints, check);
}

std::vector<Reference> EndpointSliceReferences(const google::protobuf::Message& message) {
  const auto& spec = dynamic_cast<const v1::EndpointSlice&>(message).spec();
  return {{FindKind("Upstream"), spec.upstream(), "spec.upstream"}};
}

std::vector<std::string_view> EndpointSliceAddresses(const google::protobuf::Message& message) {
  return AddressTexts(dynamic_cast<const v1::EndpointSlice&>(message).spec().endpoints());
}

}  // namespace sluice::model
