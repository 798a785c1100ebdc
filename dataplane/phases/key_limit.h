// Preaccess phase: refuses a session when the value of a key has its number of sessions open, all
// workers together (CloseReason::kKeyLimit), as nginx limit_conn does. A session whose value is
// empty or over limits::kLimitKeyBytes is not limited; when the table of values is full a session
// with a new value is refused. Immutable; thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/config/phase_handler.h"
#include "dataplane/tables/key_slot_table.h"
#include "dataplane/variables/text_template.h"

namespace sluice::dataplane {

struct KeyLimit {
  std::shared_ptr<const TextTemplate> key;
  std::uint32_t connections = 0;  // 1-65535.
  // The same object for every config of one listener that limits by this key.
  std::shared_ptr<KeySlotTable> slots;
};

// All limits of a listener in one handler: a session that one of them refuses holds no slot of the
// others.
std::unique_ptr<const PhaseHandler> MakeKeyLimit(std::vector<KeyLimit> limits);

}  // namespace sluice::dataplane
