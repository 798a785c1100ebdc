// The result type of everything that can fail for a reason outside the program. Bugs are not
// errors: see check.h. Immutable values.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace sluice {

// What a caller can do about it; the meanings are those of the canonical gRPC codes.
enum class ErrorCode : std::uint8_t {
  kInvalidArgument,
  kNotFound,
  kAlreadyExists,
  kConflict,            // Somebody changed it meanwhile: read again and retry.
  kFailedPrecondition,  // Not while the system is in this state.
  kOutOfRange,          // Too old or too far; start over from the current state.
  kResourceExhausted,   // Over a limit; the message says which.
  kPermissionDenied,
  kUnavailable,  // Retrying later may help.
  kDataLoss,     // Stored data is damaged.
  kInternal,
};

struct Error {
  ErrorCode code;
  // A whole sentence for the person who gets it at 3 a.m.: where, what, what is allowed. No final
  // period.
  std::string message;
};

template <typename T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> Fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

}  // namespace sluice
