// Content phase: the first route whose match fits the session chooses its upstream; among several
// targets of a route at random by weight. No fitting route: CloseReason::kNoRoute.
// Immutable; thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/base/address.h"
#include "dataplane/config/phase_handler.h"

namespace sluice::dataplane {

struct RouteTarget {
  std::uint32_t upstream = 0;  // Which of ListenerConfig::upstreams.
  std::uint32_t weight = 1;    // The sum of a route must not be 0.
};

struct ProxyRoute {
  std::vector<Cidr> sources;  // Empty: fits every session.
  std::vector<RouteTarget> targets;
};

std::unique_ptr<const PhaseHandler> MakeProxyRoute(const std::vector<ProxyRoute>& routes);

}  // namespace sluice::dataplane
