// The DataPlane kind: read-only, made by the control plane. Rows of the kinds table; pure.
#pragma once

#include "common/model/kind.h"

namespace sluice::model {

void ValidateDataPlane(const google::protobuf::Message& message, Violations& violations);
std::vector<Reference> DataPlaneReferences(const google::protobuf::Message& message);

}  // namespace sluice::model
