// The two ends that all sessions share, TCP and UDP: what is set when one begins, and the log phase
// when it is over. Worker thread only.
#pragma once

#include <memory>

#include "dataplane/config/served_listener.h"
#include "dataplane/session/session_state.h"

namespace sluice::dataplane {

class Worker;

// Fills everything but the addresses. The session is pinned to the listener's present
// configuration, but not counted yet.
void BeginSession(Worker& worker, const std::shared_ptr<ServedListener>& served, Protocol protocol,
                  SessionState& state);
void CountOpened(Worker& worker, ServedListener& served);
// Both.
void OpenSession(Worker& worker, const std::shared_ptr<ServedListener>& served, Protocol protocol,
                 SessionState& state);

// Exactly once for every session that was counted, with the byte counts and attempts complete:
// writes the one log record, gives back what phase handlers took, counts the close reason.
void CloseSession(Worker& worker, ServedListener& served, CloseReason reason, SessionState& state);

// Whole milliseconds since `start`.
std::chrono::milliseconds Since(MonotonicTime start, MonotonicTime now);

}  // namespace sluice::dataplane
