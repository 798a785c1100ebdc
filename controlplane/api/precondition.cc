#include "controlplane/api/precondition.h"

#include <fmt/format.h>

#include <string_view>

namespace sluice::controlplane {

Answer<void> CheckPrecondition(const model::ResourceKey& key, const model::Resource* stored,
                               const std::string& wanted) {
  constexpr std::size_t kShown = 64;
  if (wanted.empty()) return {};
  const std::string_view shown = std::string_view(wanted).substr(0, kShown);
  if (stored == nullptr) {
    return Refuse(
        ErrorCode::kConflict,
        fmt::format("{}: `metadata.resourceVersion` '{}' was asked for, but it does not exist",
                    key.Text(), shown));
  }
  if (stored->meta().resource_version() == wanted) return {};
  return Refuse(
      ErrorCode::kConflict,
      fmt::format("{}: `metadata.resourceVersion` '{}' was asked for, but version '{}' is stored; "
                  "read it again and repeat the change",
                  key.Text(), shown, stored->meta().resource_version()));
}

}  // namespace sluice::controlplane
