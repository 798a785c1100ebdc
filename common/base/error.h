// The result type of everything that can fail for a reason outside the program. Bugs are not
// errors: see check.h. Immutable values.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace sluice {

// What a caller can do about it. Numbers and meanings are those of google.rpc.Code, which gRPC and
// discovery put on the wire.
enum class ErrorCode : std::uint8_t {
  kInvalidArgument = 3,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,   // Over a limit; the message says which.
  kFailedPrecondition = 9,  // Not while the system is in this state.
  kConflict = 10,           // ABORTED: somebody changed it meanwhile: read again and retry.
  kOutOfRange = 11,         // Too old or too far; start over from the current state.
  kInternal = 13,
  kUnavailable = 14,  // Retrying later may help.
  kDataLoss = 15,     // Stored data is damaged.
};

constexpr int CanonicalCode(ErrorCode code) { return static_cast<int>(code); }
// The nearest of ours: others have more.
constexpr ErrorCode NearestErrorCode(int canonical) {
  constexpr int kDeadlineExceeded = 4;
  constexpr int kUnauthenticated = 16;
  switch (canonical) {
    case 3:
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
    case 10:
    case 11:
    case 13:
    case 14:
    case 15:
      return static_cast<ErrorCode>(canonical);
    case kDeadlineExceeded:
      return ErrorCode::kUnavailable;
    case kUnauthenticated:
      return ErrorCode::kPermissionDenied;
    default:
      return ErrorCode::kInternal;
  }
}

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
