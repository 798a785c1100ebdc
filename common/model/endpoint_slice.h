// The EndpointSlice kind: what one may say and what it refers to. Rows of the kinds table; pure.
#pragma once

#include "common/model/kind.h"

namespace sluice::model {

void ValidateEndpointSlice(const google::protobuf::Message& message, Violations& violations);
std::vector<Reference> EndpointSliceReferences(const google::protobuf::Message& message);
std::vector<std::string_view> EndpointSliceAddresses(const google::protobuf::Message& message);

}  // namespace sluice::model
