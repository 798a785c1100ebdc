#include "controlplane/api/precondition.h"

#include <fmt/format.h>

#include "common/base/text_format.h"

namespace sluice::controlplane {

std::string PreconditionProblem(const model::Resource* stored, const std::string& wanted) {
  if (wanted.empty()) return "";
  if (stored == nullptr) {
    return fmt::format(
        "`metadata.resourceVersion` must be left out of a new object, got {}; none of this name is "
        "stored, or not any more",
        Quoted(wanted));
  }
  if (stored->meta().resource_version() == wanted) return "";
  return fmt::format(
      "`metadata.resourceVersion` must be that of the stored object, got {}, but version '{}' is "
      "stored; read it again and repeat the change",
      Quoted(wanted), stored->meta().resource_version());
}

}  // namespace sluice::controlplane
