// The phases between accept and connect, named as in $close_phase.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/base/check.h"

namespace sluice::dataplane {

// In the order they run.
enum class Phase : std::uint8_t { kPostAccept, kPreaccess, kAccess, kTls, kPreread, kContent };

constexpr std::string_view PhaseName(Phase phase) {
  switch (phase) {
    case Phase::kPostAccept:
      return "post-accept";
    case Phase::kPreaccess:
      return "preaccess";
    case Phase::kAccess:
      return "access";
    case Phase::kTls:
      return "tls";
    case Phase::kPreread:
      return "preread";
    case Phase::kContent:
      return "content";
  }
  SLUICE_CHECK(false);
  return {};
}

}  // namespace sluice::dataplane
