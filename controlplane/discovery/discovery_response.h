// What a session wants sent, before it is bytes: resources stay shared with the snapshot. A value.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "controlplane/snapshot/snapshot.h"
#include "sluice/v1/node_status.pb.h"

namespace sluice::controlplane {

struct DiscoveryAnswer {
  std::string type_url;
  std::string nonce;
  std::int64_t generation = 0;
  std::vector<std::shared_ptr<const SnapshotItem>> resources;
  std::vector<std::string> removed;
  // By resource name.
  std::vector<std::pair<std::string, Error>> errors;
};

// What a request said of an earlier answer.
struct AnswerVerdict {
  TypeIndex type = 0;
  std::int64_t generation = 0;  // Of the answer.
  std::vector<std::shared_ptr<const SnapshotItem>> accepted;
  std::vector<v1::ResourceProblem> refused;
};

// `Listener` for `type.googleapis.com/sluice.v1.Listener`.
std::string KindNameOf(TypeIndex type);

}  // namespace sluice::controlplane
