// Why a request was not carried out: one sentence, and everything that is wrong where that is more
// than one thing. The plain form of what the service answers as a gRPC status. A value.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "sluice/v1/resources.pb.h"

namespace sluice::controlplane {

struct Refusal {
  ErrorCode code;
  std::string message;
  std::vector<v1::Violation> violations = {};  // At most limits::kViolationsReported.
  std::size_t violations_total = 0;            // With those left out.
};

template <typename T>
using Answer = tl::expected<T, Refusal>;

inline tl::unexpected<Refusal> Refuse(ErrorCode code, std::string message) {
  return tl::unexpected<Refusal>(Refusal{code, std::move(message)});
}
inline tl::unexpected<Refusal> Refuse(const Error& error) {
  return Refuse(error.code, error.message);
}

// A message that holds the first violation and says how many more there are.
tl::unexpected<Refusal> Refuse(ErrorCode code, std::vector<v1::Violation> violations);

}  // namespace sluice::controlplane
