// --wait: follows a generation until the data planes that are to run it do, or one of them refuses.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "controlplane/ctl/client.h"
#include "controlplane/ctl/command.h"

namespace sluice::ctl {

inline constexpr Option kWaitOption = {.flag = "--wait",
                                       .help =
                                           "Return only when every data plane that the change "
                                           "concerns runs it; fail when one refuses"};
inline constexpr Option kTimeoutOption = {
    .flag = "--timeout", .value = "DURATION", .help = "How long to wait", .preset = "30s"};

struct RolloutTarget {
  std::int64_t generation = 0;
  std::vector<v1::ObjectRef> objects;  // Empty: every connected data plane.
};

// Progress and the outcome go to standard error. A control plane that goes away meanwhile is asked
// again until the time is over: what it acknowledged it still knows.
Exit FollowRollout(const Invocation& invocation, Client& client, const RolloutTarget& target,
                   std::chrono::nanoseconds timeout);

// Pure.
std::string ProgressText(const v1::RolloutResponse& state, std::int64_t generation,
                         std::chrono::system_clock::time_point now);
// `notice: data plane gw-1 is not connected (last seen 3m ago) …`, a line a node that was not
// waited for.
std::string GoneText(const v1::RolloutResponse& state, std::chrono::system_clock::time_point now);
// `node gw-1 refused listener/orders-db: AddressInUse: …`, a line a problem.
std::string RefusalsText(const v1::RolloutResponse& state);

}  // namespace sluice::ctl
