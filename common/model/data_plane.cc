#include "common/model/data_plane.h"

namespace sluice::model {

// There is no spec to be wrong: that nobody may apply one is said by the table's read_only.
void ValidateDataPlane(const google::protobuf::Message&, Violations&) {}

std::vector<Reference> DataPlaneReferences(const google::protobuf::Message&) { return {}; }

}  // namespace sluice::model
