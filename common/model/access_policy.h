// The AccessPolicy kind: what one may say; it refers to nothing. Rows of the kinds table; pure.
#pragma once

#include "common/model/kind.h"

namespace sluice::model {

void ValidateAccessPolicy(const google::protobuf::Message& message, Violations& violations);
std::vector<Reference> AccessPolicyReferences(const google::protobuf::Message& message);

}  // namespace sluice::model
