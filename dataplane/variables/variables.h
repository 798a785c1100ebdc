// What each $variable is worth in a session. Names stand in common/model/variables.h, meanings in
// docs/reference/variables.md; both are nginx's where nginx has the variable.
// Pure, but for the clock of $msec and the $time variables. Thread-safe.
#pragma once

#include <string>

#include "common/model/variables.h"
#include "dataplane/session/session_state.h"

namespace sluice::dataplane {

// Appends the raw value; nothing when the session has none. Allocates nothing else, unless the
// value is the path of a unix socket.
using AppendVariable = void (*)(const SessionState& session, std::string& out);

AppendVariable AppenderOf(model::VariableId id);
}  // namespace sluice::dataplane
