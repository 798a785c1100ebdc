#include "dataplane/admin/serve_admin.h"

#include <fmt/format.h>

#include <utility>

#include "common/base/address.h"
#include "common/base/limits.h"

namespace sluice::dataplane {

Result<std::unique_ptr<http::Server>> ServeAdmin(const AdminOptions& options, AdminHooks hooks) {
  auto address = SocketAddress::Parse(options.address, /*allow_port_zero=*/true);
  if (!address) {
    return Fail(ErrorCode::kInvalidArgument, "admin address " + address.error().message);
  }
  if (!options.allow_remote && !address->is_local()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("admin address '{}' can be reached from other hosts and there is no "
                            "authentication: it must be a loopback address or unix:/path",
                            options.address));
  }
  return http::Server::Start({.name = "admin",
                              .address = *std::move(address),
                              .connections = limits::kAdminConnections,
                              .limits = options.limits},
                             {.before_body = RefuseAdmin,
                              .answer = [hooks = std::move(hooks)](const http::Request& request) {
                                return AnswerAdmin(request, hooks);
                              }});
}

}  // namespace sluice::dataplane
