#include "controlplane/discovery/canonical_code.h"

namespace sluice::controlplane {

int CanonicalCode(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return 3;
    case ErrorCode::kNotFound:
      return 5;
    case ErrorCode::kAlreadyExists:
      return 6;
    case ErrorCode::kPermissionDenied:
      return 7;
    case ErrorCode::kResourceExhausted:
      return 8;
    case ErrorCode::kFailedPrecondition:
      return 9;
    case ErrorCode::kConflict:
      return 10;  // ABORTED
    case ErrorCode::kOutOfRange:
      return 11;
    case ErrorCode::kInternal:
      return 13;
    case ErrorCode::kUnavailable:
      return 14;
    case ErrorCode::kDataLoss:
      return 15;
  }
  return 2;  // UNKNOWN
}

}  // namespace sluice::controlplane
