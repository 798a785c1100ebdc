#include "common/base/error.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(ErrorCode, ComesBackFromTheWire) {
  for (int canonical = 0; canonical <= 16; ++canonical) {
    const ErrorCode code = NearestErrorCode(canonical);
    if (CanonicalCode(code) == canonical) continue;
    // Those that we have no word for.
    switch (canonical) {
      case 4:  // DEADLINE_EXCEEDED
        EXPECT_EQ(code, ErrorCode::kUnavailable);
        break;
      case 16:  // UNAUTHENTICATED
        EXPECT_EQ(code, ErrorCode::kPermissionDenied);
        break;
      default:  // OK, CANCELLED, UNKNOWN, UNIMPLEMENTED
        EXPECT_TRUE(canonical <= 2 || canonical == 12) << canonical;
        EXPECT_EQ(code, ErrorCode::kInternal);
    }
  }
  EXPECT_EQ(CanonicalCode(ErrorCode::kConflict), 10) << "ABORTED";
  EXPECT_EQ(NearestErrorCode(1000), ErrorCode::kInternal);
}

}  // namespace
}  // namespace sluice
