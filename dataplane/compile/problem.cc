#include "dataplane/compile/problem.h"

#include "common/base/bounded_text.h"
#include "common/base/limits.h"

namespace sluice::dataplane {

v1::ResourceProblem MakeProblem(const model::ResourceKey& key, std::string_view version,
                                v1::ResourceProblem::State state, const ProblemText& text) {
  v1::ResourceProblem problem;
  problem.set_kind(std::string(key.kind->name));
  problem.set_name(key.DiscoveryName());
  problem.set_version(std::string(version));
  problem.set_state(state);
  problem.set_reason(std::string(text.reason));
  problem.set_field(BoundedText(text.field, limits::kRefusalTextBytes));
  problem.set_message(BoundedText(text.message, limits::kRefusalTextBytes));
  return problem;
}

}  // namespace sluice::dataplane
