// What the metadata of any kind may say. Pure.
#pragma once

#include <string_view>

#include "common/model/kind.h"
#include "sluice/v1/meta.pb.h"

namespace sluice::model {

// RFC 1123 label: the name of an object or of a namespace.
bool IsObjectName(std::string_view text);

void ValidateMetadata(const v1::ObjectMeta& meta, Violations& violations);

}  // namespace sluice::model
