// What a data plane says of itself, as the report to the control plane and as the /config page.
// Pure functions over what the control thread knows.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/admin/admin_pages.h"
#include "dataplane/compile/resource_update.h"
#include "dataplane/config/runtime_config.h"
#include "dataplane/control/applier.h"
#include "dataplane/discovery/delta_client.h"
#include "dataplane/engine/engine.h"
#include "sluice/v1/node_status.pb.h"

namespace sluice::dataplane {

// With a complete configuration, of whose listeners `serving` are served: ready, unless there are
// some and not one of them can be served. `problems`: what is not as wanted.
Readiness ReadinessOf(const std::vector<v1::ResourceProblem>& problems, std::size_t serving);

struct NodeStatusInputs {
  const NodeIdentity& node;
  std::int64_t generation;  // In force, with everything that could be.
  const std::string& digest;
  const std::vector<v1::ResourceProblem>& problems;
  const RuntimeConfig& config;
  Engine::Sessions sessions;
  bool stale;
  std::chrono::seconds shutdown_left;  // 0 unless it shuts down.
};
v1::NodeReport MakeNodeReport(const NodeStatusInputs& inputs);

// `{"status": …, "listeners": […], "resources": […]}`: the report, where listeners are wanted and
// served, and the resources in force as manifests.
std::string RenderConfigPage(const v1::NodeReport& report,
                             const std::vector<ListenerPlace>& listeners,
                             const std::vector<VersionedResource>& in_force);

}  // namespace sluice::dataplane
