// One endpoint of an upstream as it was configured, and what all its forms share. Immutable but for
// the state it points to.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/base/address.h"
#include "dataplane/upstream/endpoint_state.h"

namespace sluice::dataplane {

struct BalanceEndpoint {
  SocketAddress address;
  std::string text;  // As configured: what RING_HASH hashes.
  std::uint32_t weight = 1;
  std::uint32_t max_connections = 0;  // 0: no limit.
  bool backup = false;
  bool drain = false;  // nginx `down`: takes no new session.
  std::shared_ptr<EndpointState> state;
};

// nginx max_fails and fail_timeout.
struct PassiveHealth {
  std::uint32_t max_fails = 1;  // 0: off.
  std::int64_t fail_timeout_s = 10;
};

// Is the endpoint available as of now (not failed by passive health)?
bool IsAvailable(const EndpointState& state, const PassiveHealth& health, std::int64_t now_s);

}  // namespace sluice::dataplane
