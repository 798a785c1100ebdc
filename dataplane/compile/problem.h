// How the data plane says that an object is not in force as it was sent. Pure.
#pragma once

#include <string>
#include <string_view>

#include "dataplane/compile/resource_update.h"
#include "sluice/v1/node_status.pb.h"

namespace sluice::dataplane {

struct ProblemText {
  std::string_view reason;   // CamelCase token.
  std::string_view field;    // Empty when no single field is at fault.
  std::string_view message;  // Cut at limits::kRefusalTextBytes.
};

v1::ResourceProblem MakeProblem(const model::ResourceKey& key, std::string_view version,
                                v1::ResourceProblem::State state, const ProblemText& text);

}  // namespace sluice::dataplane
