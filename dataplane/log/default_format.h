// The record of an accessLog entry without a format. docs/reference/variables.md shows it.
#pragma once

#include <string_view>

namespace sluice::dataplane {

inline constexpr std::string_view kDefaultLogFormat =
    "$remote_addr [$time_iso8601] $protocol $status $bytes_sent $bytes_received $session_time "
    "$listener $upstream \"$upstream_addr\" $close_reason";

}  // namespace sluice::dataplane
