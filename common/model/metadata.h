// What the metadata of any kind may say. Pure.
#pragma once

#include "common/model/kind.h"
#include "sluice/v1/meta.pb.h"

namespace sluice::model {

void ValidateMetadata(const v1::ObjectMeta& meta, Violations& violations);

}  // namespace sluice::model
