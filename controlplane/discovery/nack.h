// Reads what a client refused out of the error_detail of its NACK. Pure.
#pragma once

#include <memory>
#include <vector>

#include "controlplane/discovery/discovery_response.h"
#include "google/rpc/status.pb.h"

namespace sluice::controlplane {

// `sent` is what the refused answer held. A sluice data plane names the refused resources in a
// sluice.v1.ResourceErrors; names that were not sent are ignored. A client that names none has
// refused all of them.
AnswerVerdict ReadNack(TypeIndex type, std::int64_t generation, const google::rpc::Status& error,
                       const std::vector<std::shared_ptr<const SnapshotItem>>& sent);

}  // namespace sluice::controlplane
