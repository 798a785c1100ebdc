// Why a session ended: one value of one list, with a token that is stable in logs and metrics.
// docs/reference/close-reasons.md lists the same rows. Immutable.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace sluice::dataplane {

enum class CloseReason : std::uint8_t {
  kOpen,  // Not ended yet; never logged.
  kFinished,
  kClientReset,
  kClientAborted,
  kEndpointReset,
  kIdleTimeout,
  kHalfClosedTimeout,
  kSessionTimeout,
  kAccessDenied,
  kConnectionLimit,
  kKeyLimit,
  kPhaseTimeout,
  kPrereadFull,
  kNoRoute,
  kNoEndpoint,
  kConnectFailed,
  kConnectTimeout,
  kResourcesExhausted,
  kShutdown,
  kInternalError,
  kUdpIdle,
  kUdpResponsesComplete,
  kUdpRequestsComplete,
  kUdpNoResponse,
  kUdpEndpointRefused,
  kCount,
};

struct CloseReasonRow {
  CloseReason reason;
  std::string_view token;  // `client_reset`: $close_reason and the label of metrics.
  std::string_view side;   // Who began it: client, endpoint or sluice.
  std::string_view phase;  // accept, preaccess, access, preread, content, balance, connect or
                           // relay.
  int status;              // $status, nginx's code for the same event.
  std::string_view meaning;
};

// In the order of the enum.
std::span<const CloseReasonRow> CloseReasons();
const CloseReasonRow& Describe(CloseReason reason);

}  // namespace sluice::dataplane
