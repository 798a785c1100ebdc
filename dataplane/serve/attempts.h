// One try after the other to use an endpoint: picking, what counts against whom, and the record of
// each. The same for TCP and UDP. Worker thread only.
#pragma once

#include "dataplane/balance/balancer.h"
#include "dataplane/serve/endpoint_connect.h"
#include "dataplane/session/close_reason.h"
#include "dataplane/session/session_state.h"

namespace sluice::dataplane {

class WorkerContext;

// Picks from state.upstream and begins the record of the attempt. False: no endpoint can be used.
// For each that is begun, FinishAttempt() follows, exactly once.
bool BeginAttempt(WorkerContext& worker, SessionState& state, Tries& tries);

// Of the attempt in hand.
const BalanceEndpoint& EndpointInHand(const SessionState& state);

struct AttemptFailure {
  CloseReason reason;  // Of the session, unless another attempt goes better.
  ConnectFault fault;
};
// The attempt in hand has not connected: `error` says why. Counts against the endpoint what is its
// fault.
AttemptFailure FailAttempt(WorkerContext& worker, SessionState& state, int error);
// The same when the endpoint has not answered in time.
AttemptFailure FailAttemptInTime(WorkerContext& worker, SessionState& state);

// The endpoint of the attempt in hand has answered: connected (TCP), or its responses came (UDP).
void SucceedAttempt(WorkerContext& worker, SessionState& state);

// Gives the endpoint of the attempt in hand back, and says how long it had it.
void FinishAttempt(WorkerContext& worker, SessionState& state);

}  // namespace sluice::dataplane
