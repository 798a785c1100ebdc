#include "controlplane/store/store.h"

#include <fmt/format.h>

#include <string_view>

#include "controlplane/store/sqlite_store.h"

namespace sluice::controlplane {

Result<std::unique_ptr<Store>> OpenStore(const std::string& location) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (location.starts_with(kSqlite) && location.size() > kSqlite.size()) {
    return OpenSqliteStore(location.substr(kSqlite.size()));
  }
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("a store must be sqlite:PATH, got '{}'", location));
}

}  // namespace sluice::controlplane
