#include "dataplane/compile/problem.h"

#include "common/base/limits.h"

namespace sluice::dataplane {

std::string CutText(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80U) --bytes;
  return std::string(text.substr(0, bytes));
}

v1::ResourceProblem MakeProblem(const model::ResourceKey& key, std::string_view version,
                                v1::ResourceProblem::State state, const ProblemText& text) {
  v1::ResourceProblem problem;
  problem.set_kind(std::string(key.kind->name));
  problem.set_name(key.DiscoveryName());
  problem.set_version(std::string(version));
  problem.set_state(state);
  problem.set_reason(std::string(text.reason));
  problem.set_field(CutText(text.field, limits::kRefusalTextBytes));
  problem.set_message(CutText(text.message, limits::kRefusalTextBytes));
  return problem;
}

}  // namespace sluice::dataplane
