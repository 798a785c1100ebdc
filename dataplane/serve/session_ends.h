// The two ends that all sessions share, TCP and UDP: what is set when one begins, and the log phase
// when it is over. Worker thread only.
#pragma once

#include <memory>

#include "dataplane/config/worker_listener.h"
#include "dataplane/session/session_state.h"

namespace sluice::dataplane {

class WorkerContext;

// Fills everything but the addresses. The session is pinned to the listener's present
// configuration, but not counted yet.
void BeginSession(WorkerContext& worker, const std::shared_ptr<WorkerListener>& served,
                  Protocol protocol, SessionState& state);
void CountOpened(WorkerContext& worker, WorkerListener& served);
// Both.
void OpenSession(WorkerContext& worker, const std::shared_ptr<WorkerListener>& served,
                 Protocol protocol, SessionState& state);

// Exactly once for every session that was counted, with the byte counts and attempts complete:
// writes the one log record, gives back what phase handlers took, counts the close reason.
void CloseSession(WorkerContext& worker, WorkerListener& served, CloseReason reason,
                  SessionState& state);

// Whole milliseconds since `start`.
std::chrono::milliseconds Since(MonotonicTime start, MonotonicTime now);

}  // namespace sluice::dataplane
