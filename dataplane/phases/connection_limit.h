// Preaccess phase: refuses a session when the listener has its number of sessions open, all workers
// together (CloseReason::kConnectionLimit). Immutable; thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "dataplane/config/phase_handler.h"
#include "dataplane/tables/slot_counter.h"

namespace sluice::dataplane {

// `slots` is the same object for every config of one listener. Without a limit sessions are only
// counted, so that a limit that comes later knows of them: every listener should have this handler.
std::unique_ptr<const PhaseHandler> MakeConnectionLimit(std::optional<std::uint32_t> limit,
                                                        std::shared_ptr<SlotCounter> slots);

}  // namespace sluice::dataplane
