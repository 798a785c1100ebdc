#include "dataplane/session/close_reason.h"

#include <array>
#include <cstddef>

#include "common/base/check.h"

namespace sluice::dataplane {
namespace {

using enum CloseReason;

constexpr std::array<CloseReasonRow, static_cast<std::size_t>(kCount)> kRows = {{
    {kOpen, "open", "sluice", "accept", 0, "The session has not ended."},
    {kFinished, "finished", "client", "relay", 200,
     "Both sides ended their direction and every byte was delivered."},
    {kClientReset, "client_reset", "client", "relay", 200,
     "The client reset the connection; the endpoint got what the client had sent before, then a "
     "reset too."},
    {kClientAborted, "client_aborted", "client", "connect", 200,
     "The client reset the connection before an endpoint was connected, or ended it while a phase "
     "needed more of it."},
    {kEndpointReset, "endpoint_reset", "endpoint", "relay", 200,
     "The endpoint reset the connection; the client got what the endpoint had sent before, then a "
     "reset too."},
    {kIdleTimeout, "idle_timeout", "sluice", "relay", 200,
     "No byte in either direction for timeouts.idle."},
    {kHalfClosedTimeout, "half_closed_timeout", "sluice", "relay", 200,
     "One side had ended its direction and the other was silent for timeouts.halfClosed."},
    {kSessionTimeout, "session_timeout", "sluice", "relay", 200,
     "The session was open for timeouts.session."},
    {kAccessDenied, "access_denied", "sluice", "access", 403,
     "An access policy denied the client."},
    {kConnectionLimit, "connection_limit", "sluice", "preaccess", 503,
     "The listener had limits.connections sessions open."},
    {kKeyLimit, "key_limit", "sluice", "preaccess", 503,
     "The value of a limits.perKey key had its number of sessions open, or the table of keys was "
     "full."},
    {kPhaseTimeout, "phase_timeout", "sluice", "preread", 200,
     "A phase waited too long for the client's first bytes or for an answer."},
    {kPrereadFull, "preread_full", "sluice", "preread", 400,
     "A phase needed more of the client's first bytes than may be looked at ahead (64 KiB; of "
     "UDP also 64 datagrams)."},
    {kNoRoute, "no_route", "sluice", "content", 500, "No route of the listener matched."},
    {kNoEndpoint, "no_endpoint", "sluice", "balance", 502,
     "No endpoint of the upstream could be used: none there, all unavailable, draining or full."},
    {kConnectFailed, "connect_failed", "endpoint", "connect", 502,
     "Connecting failed and no retry was left."},
    {kConnectTimeout, "connect_timeout", "endpoint", "connect", 502,
     "The last attempt to connect took longer than timeouts.connect."},
    {kResourcesExhausted, "resources_exhausted", "sluice", "accept", 500,
     "The data plane was out of descriptors, ports or memory."},
    {kShutdown, "shutdown", "sluice", "relay", 200,
     "The data plane was told to stop and its drain time was over."},
    {kInternalError, "internal_error", "sluice", "relay", 500,
     "A fault of sluice's own; the event log has more."},
    {kUdpIdle, "udp_idle", "sluice", "relay", 200, "No datagram in either direction for udp.idle."},
    {kUdpResponsesComplete, "udp_responses_complete", "endpoint", "relay", 200,
     "The endpoint had sent all udp.expectedResponses."},
    {kUdpRequestsComplete, "udp_requests_complete", "client", "relay", 200,
     "The client had sent udp.maxRequests datagrams and the flow was idle."},
    {kUdpNoResponse, "udp_no_response", "endpoint", "relay", 502,
     "udp.idle passed with fewer responses than expected."},
    {kUdpEndpointRefused, "udp_endpoint_refused", "endpoint", "relay", 502,
     "The endpoint's host answered that nobody listens on the port (ICMP)."},
}};

consteval bool RowsStandInOrder() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<std::size_t>(kRows[i].reason) != i) return false;
  }
  return true;
}
static_assert(RowsStandInOrder());

}  // namespace

std::span<const CloseReasonRow> CloseReasons() { return kRows; }

const CloseReasonRow& Describe(CloseReason reason) {
  SLUICE_CHECK(reason < CloseReason::kCount);
  return kRows[static_cast<std::size_t>(reason)];
}

}  // namespace sluice::dataplane
