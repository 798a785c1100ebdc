// A balancing policy: which endpoint next. The rest (taking it, going over to the backups, counting
// failures) is the same for all and stands in balancer.cc. One file a policy.
// Immutable; thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "dataplane/balance/endpoint_set.h"
#include "dataplane/balance/pick.h"
#include "dataplane/balance/smooth_weights.h"

namespace sluice::dataplane {

class Selection {
 public:
  virtual ~Selection() = default;
  // A usable endpoint of the list that `tries.backup` names, or nothing. Does not take it.
  virtual std::optional<std::uint32_t> Next(const EndpointSet& set, const PickInput& input,
                                            SmoothWeights& weights, Tries& tries) const = 0;
};

// The policies that draw or hash look this often for a usable endpoint in one session; then
// round robin answers.
inline constexpr std::uint32_t kSelectionMisses = 20;

std::optional<std::uint32_t> SelectRoundRobin(const EndpointSet& set, const PickInput& input,
                                              SmoothWeights& weights, const Tries& tries);

std::unique_ptr<const Selection> MakeRoundRobin();
std::unique_ptr<const Selection> MakeLeastConnections();
std::unique_ptr<const Selection> MakeRandomTwo();
std::unique_ptr<const Selection> MakeIpHash();
std::unique_ptr<const Selection> MakeHash();
std::unique_ptr<const Selection> MakeRingHash(const EndpointSet& set);
// Points of the ring that MakeRingHash would build of these: 8 bytes each, and about 30 ns of work.
std::uint64_t RingPointsOf(const std::vector<BalanceEndpoint>& endpoints);

}  // namespace sluice::dataplane
