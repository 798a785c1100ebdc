// The admin address: health, readiness, metrics and the configuration in force over HTTP, for
// probes, scrapers and people. A thread of its own; it never touches the traffic path.
// There is no authentication, so only loopback and unix addresses are taken unless told otherwise.
#pragma once

#include <memory>
#include <string>

#include "common/base/error.h"
#include "common/http/exchanges.h"
#include "common/http/server.h"
#include "dataplane/admin/admin_pages.h"

namespace sluice::dataplane {

struct AdminOptions {
  std::string address;        // host:port (port 0: any) or unix:/path.
  bool allow_remote = false;  // Also addresses that other hosts can reach.
  http::ExchangeLimits limits = {};
};

// Bound and answering when it returns, for limits::kAdminConnections clients at a time. Fails with
// a message that names the address; kConflict: another process has it.
Result<std::unique_ptr<http::Server>> ServeAdmin(const AdminOptions& options, AdminHooks hooks);

}  // namespace sluice::dataplane
