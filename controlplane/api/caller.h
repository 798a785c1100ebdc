// Who calls, and whether that is allowed: the one question before every method, whatever transport
// has brought it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/error.h"

namespace sluice::controlplane {

struct Caller {
  std::string
      peer;  // Where from, as the transport has it: `ipv4:127.0.0.1:4711`. For the log, too.
};

enum class Verb : std::uint8_t {
  kRead,    // Objects, their status, the fleet.
  kWrite,   // Objects.
  kFollow,  // The configuration of a node.
  kReport,  // What a node runs.
};

struct Access {
  Verb verb;
  std::string_view node = {};  // kFollow and kReport: the node that the caller says it is.
};

// kPermissionDenied: no. The connections are clear text and prove nothing, so everybody who reaches
// a port may do everything, and a node is who it says it is: that is why the ports are on loopback
// unless --insecure says otherwise.
Result<void> Authorize(const Caller& caller, const Access& access);

}  // namespace sluice::controlplane
