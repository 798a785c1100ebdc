// AccessPolicy → its compiled form, shared by all listeners that name it. Pure.
#pragma once

#include <memory>
#include <tl/expected.hpp>

#include "dataplane/compile/resource_update.h"
#include "dataplane/phases/access_policy.h"
#include "sluice/v1/node_status.pb.h"

namespace sluice::dataplane {

tl::expected<std::shared_ptr<const AccessPolicy>, v1::ResourceProblem> CompileAccessPolicy(
    const VersionedResource& policy);

}  // namespace sluice::dataplane
