// How many points the RING_HASH rings of a data plane may have together, and who has them. Control
// thread only; the shares it hands out go wherever their upstream goes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "common/base/limits.h"
#include "dataplane/balance/ring_share.h"

namespace sluice::dataplane {

class RingRoom {
 public:
  struct Bounds {
    std::uint64_t in_force = limits::kRingPointsInForce;
    std::uint64_t held = limits::kRingPointsHeld;  // With those of older forms.
  };
  explicit RingRoom(Bounds bounds) : bounds_(bounds) {}

  // Of an upstream whose form in force has `replaced` points. What is wrong when there is no room.
  tl::expected<RingShare, std::string> Take(std::uint64_t points, std::uint64_t replaced) const;

  // Would Take() find room?
  bool Has(std::uint64_t points, std::uint64_t replaced) const;

  // A form with `before` points went out of force (0: there was none), one with `after` came.
  void Replace(std::uint64_t before, std::uint64_t after) { in_force_ += after - before; }

 private:
  const Bounds bounds_;
  const std::shared_ptr<RingShare::Held> held_ = std::make_shared<RingShare::Held>(0);
  std::uint64_t in_force_ = 0;
};

}  // namespace sluice::dataplane
