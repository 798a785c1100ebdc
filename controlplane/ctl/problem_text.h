// One refusal of a data plane, in words. Pure.
#pragma once

#include <string>

#include "controlplane/ctl/table.h"
#include "sluice/v1/node_status.pb.h"

namespace sluice::ctl {

// `listener/orders-db`, from the kind and the `namespace/name` that a report carries.
std::string ObjectText(const v1::ResourceProblem& problem);
// `refused listener/orders-db: AddressInUse: …`. Nothing in it can break the line.
std::string ProblemText(const v1::ResourceProblem& problem);
std::string StateText(v1::ResourceProblem::State state);

}  // namespace sluice::ctl
