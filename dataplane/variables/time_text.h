// Points in time as nginx writes them in logs, in the local time zone. The texts are made once a
// second and thread and then copied, because the calendar is slow and takes the C library's lock.
// Thread-safe.
#pragma once

#include <chrono>
#include <string>

#include "dataplane/session/session_state.h"

namespace sluice::dataplane {

// `2026-11-21T04:39:27+00:00`
void AppendIso8601(WallTime time, std::string& out);
// `21/Nov/2026:04:39:27 +0000`
void AppendCommonLog(WallTime time, std::string& out);
// Seconds and milliseconds, `s.mmm`. Negative durations count as zero.
void AppendSeconds(std::chrono::milliseconds duration, std::string& out);

}  // namespace sluice::dataplane
