// What `ctl wait --for` waits for. Pure.
#pragma once

#include <optional>
#include <string>

#include "common/base/error.h"
#include "common/model/resource.h"
#include "sluice/v1/meta.pb.h"

namespace sluice::ctl {

struct WaitCondition {
  enum class What { kCondition, kCreate, kDelete };
  What what = What::kCondition;
  std::string type;                                  // kCondition only.
  v1::Condition::State state = v1::Condition::TRUE;  // kCondition only.
};

// `condition=Synced`, `condition=synced=false`, `create`, `delete`.
Result<WaitCondition> ParseWaitCondition(const std::string& text);

// Does it hold for the object (nullptr: there is none)? A condition has to speak of the object's
// current spec: what was true of an older one does not count.
bool Holds(const WaitCondition& condition, const model::Resource* resource);

// `Synced is False: 1/2 …`, for the message when the time is over.
std::string StandText(const WaitCondition& condition, const model::Resource* resource);

}  // namespace sluice::ctl
