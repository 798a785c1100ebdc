// Upstream and its EndpointSlices → UpstreamConfig. Pure, but for the states it finds in the table.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "dataplane/compile/resource_update.h"
#include "dataplane/compile/ring_room.h"
#include "dataplane/compile/state_table.h"
#include "dataplane/config/runtime_config.h"
#include "sluice/v1/node_status.pb.h"

namespace sluice::dataplane {

// An Upstream or one of its slices, with its endpoints as sessions will find them. Made once from
// an object and kept as long as it is in force: a change of one slice does not read the others.
struct EndpointPart {
  VersionedResource held;
  std::shared_ptr<const std::vector<BalanceEndpoint>> endpoints;
};
// `upstream` is the full name of the upstream they belong to.
EndpointPart ReadEndpoints(const VersionedResource& held, const std::string& upstream,
                           StateTable& states);

// An upstream with everything its compiled form is made of.
struct UpstreamParts {
  EndpointPart upstream;
  std::vector<EndpointPart> slices;  // By name.
};

struct RingClaim {
  const RingRoom& room;
  std::uint64_t replaced = 0;  // Points of the form that the new one takes the place of.
  std::uint64_t points = 0;    // What the new one needs: set by CompileUpstream.
};

// Refuses the whole upstream when an address stands in it twice or it has too many endpoints: the
// problem names the object and field at fault. It waits (kNoRoomForRing) while there is no room for
// the ring, which is not built then.
tl::expected<std::shared_ptr<const UpstreamConfig>, v1::ResourceProblem> CompileUpstream(
    const UpstreamParts& parts, RingClaim& ring, StateTable& states);
inline constexpr std::string_view kNoRoomForRing = "NoRoomForRing";

}  // namespace sluice::dataplane
