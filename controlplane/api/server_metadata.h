// The part of an object's metadata that the control plane writes. Pure but for NewUid.
#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <memory>
#include <string>

#include "common/model/resource.h"

namespace sluice::controlplane {

// A random UUID (RFC 4122, version 4).
std::string NewUid();

struct Stamp {
  // The object's resourceVersion. Greater than the generation that the batch is based on: one batch
  // at most is stored on that, so no object ever has the same twice.
  std::int64_t version;
  google::protobuf::Timestamp now;
  std::string (*new_uid)() = NewUid;
};

// `wanted` as it is to be stored in place of `stored` (nullptr: created), without status.
// Nullptr when nothing that a person writes differs: spec, labels, annotations.
std::shared_ptr<const model::Resource> Stamped(const model::Resource& wanted,
                                               const model::Resource* stored, const Stamp& stamp);

}  // namespace sluice::controlplane
