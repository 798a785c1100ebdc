#include "controlplane/api/caller.h"

namespace sluice::controlplane {

Result<void> Authorize(const Caller& /*caller*/, const Access& /*access*/) { return {}; }

}  // namespace sluice::controlplane
