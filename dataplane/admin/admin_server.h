// The admin address: health, readiness, metrics and the configuration in force over HTTP, for
// probes, scrapers and people. One thread of its own; it never touches the traffic path.
//
// Clients are not trusted: at most limits::kAdminConnections at a time (one more closes the
// oldest), limits::kAdminRequestBytes a request, limits::kAdminDeadline for the whole exchange
// however its bytes trickle. There is no authentication, so only loopback and unix addresses are
// taken unless told otherwise.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "common/base/address.h"
#include "common/base/error.h"
#include "common/base/limits.h"
#include "dataplane/admin/admin_pages.h"

namespace sluice::dataplane {

struct AdminOptions {
  std::string address;        // host:port (port 0: any) or unix:/path.
  bool allow_remote = false;  // Also addresses that other hosts can reach.
  std::chrono::milliseconds deadline = limits::kAdminDeadline;  // For a whole exchange.
};

class AdminServer {
 public:
  // Bound and answering when it returns. Fails with a message that names the address.
  static Result<std::unique_ptr<AdminServer>> Start(const AdminOptions& options, AdminHooks hooks);
  // Stops answering and removes its unix socket. Blocks until a hook in progress returns.
  virtual ~AdminServer() = default;
  // Where it listens.
  virtual const SocketAddress& address() const = 0;
};

}  // namespace sluice::dataplane
