// Who has an admin address that this process cannot have. A restart may overlap: the process before
// gives its address up when it begins to drain.
#pragma once

#include "common/base/address.h"

namespace sluice::dataplane {

enum class AdminHolder {
  kNobody,     // It has been given up meanwhile.
  kLeaving,    // A data plane that shuts down: it will be free.
  kWebServer,  // A data plane that stays (or was not told yet to go), or something else that speaks
               // HTTP.
  kOther,
};

// Asks for /readyz. Blocks, for a second or two at most.
AdminHolder FindAdminHolder(const SocketAddress& address);

}  // namespace sluice::dataplane
