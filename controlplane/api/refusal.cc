#include "controlplane/api/refusal.h"

#include <fmt/format.h>

#include "common/base/check.h"
#include "common/base/limits.h"

namespace sluice::controlplane {

tl::unexpected<Refusal> Refuse(ErrorCode code, std::vector<v1::Violation> violations) {
  SLUICE_CHECK(!violations.empty());
  const std::size_t total = violations.size();
  const v1::Violation& first = violations.front();
  std::string message = first.message();
  if (!first.object().kind().empty()) {
    message = fmt::format("{} '{}': {}", first.object().kind(), first.object().name(), message);
  }
  if (total > 1) message += fmt::format(" (and {} more)", total - 1);
  if (total > limits::kViolationsReported) violations.resize(limits::kViolationsReported);
  return tl::unexpected<Refusal>(Refusal{code, std::move(message), std::move(violations), total});
}

}  // namespace sluice::controlplane
