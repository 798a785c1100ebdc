// `listener/orders-db configured`: what became of an object. Pure.
#pragma once

#include <string>

#include "controlplane/ctl/dry_run.h"
#include "sluice/v1/resources.pb.h"

namespace sluice::ctl {

// With the line end.
std::string OutcomeLine(const v1::ApplyResponse::Result& result, DryRun dry_run);
std::string OutcomeLine(const v1::ObjectRef& object, std::string_view outcome, DryRun dry_run);

}  // namespace sluice::ctl
