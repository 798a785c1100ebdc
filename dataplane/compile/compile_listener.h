// Listener with the policies and upstreams it names → ListenerConfig. Pure, but for the shared
// blocks it finds in the state table and the log files it has opened by the writer.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "dataplane/compile/resource_update.h"
#include "dataplane/compile/state_table.h"
#include "dataplane/config/runtime_config.h"
#include "dataplane/log/access_log.h"
#include "dataplane/phases/access_policy.h"
#include "sluice/v1/node_status.pb.h"

namespace sluice::dataplane {

// The reason of a problem that may go away by itself.
inline constexpr std::string_view kLogUnavailable = "AccessLogUnavailable";

struct ListenerParts {
  const VersionedResource& listener;
  std::vector<std::shared_ptr<const AccessPolicy>> policies;  // As it names them, in order.
  // All that its routes name, by metadata.name, in their present form.
  std::map<std::string, const UpstreamConfig*, std::less<>> upstreams;
};

// What a listener gets that names no access log of its own.
struct AccessLogDefault {
  AccessLogWriter* writer;  // Outlives every compile.
  std::string to;           // `stdout`, `stderr`, an absolute path or `off`.
};
// Of a listener that names a path which this node lets nobody name.
inline constexpr std::string_view kPathNotAllowed = "PathNotAllowed";

// Refuses, naming the field: a unix endpoint behind a UDP listener, a log file that cannot be
// opened, a file or unix socket where this node lets nobody make one. `sockets`: where unix sockets
// may be bound.
tl::expected<std::shared_ptr<const ListenerConfig>, v1::ResourceProblem> CompileListener(
    const ListenerParts& parts, const AccessLogDefault& access_log, const AllowedFolders& sockets,
    StateTable& states);

}  // namespace sluice::dataplane
