// Our error codes as the canonical gRPC ones. Pure.
#pragma once

#include "common/base/error.h"

namespace sluice::controlplane {

int CanonicalCode(ErrorCode code);

}  // namespace sluice::controlplane
