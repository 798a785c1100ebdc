// The points of one RING_HASH ring, counted among all that this data plane holds for as long as the
// ring lives: also in older forms of an upstream that sessions still hold. Thread-safe: the last
// session may end on any worker.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace sluice::dataplane {

class RingShare {
 public:
  using Held = std::atomic<std::uint64_t>;

  RingShare() = default;  // Of no ring.
  RingShare(std::shared_ptr<Held> held, std::uint64_t points)
      : held_(std::move(held)), points_(points) {
    held_->fetch_add(points_, std::memory_order_relaxed);
  }
  ~RingShare() {
    if (held_ != nullptr) held_->fetch_sub(points_, std::memory_order_relaxed);
  }
  RingShare(RingShare&& other) noexcept
      : held_(std::move(other.held_)), points_(std::exchange(other.points_, 0)) {}
  RingShare& operator=(RingShare&& other) noexcept {
    std::swap(held_, other.held_);
    std::swap(points_, other.points_);
    return *this;
  }

  std::uint64_t points() const { return points_; }

 private:
  std::shared_ptr<Held> held_;
  std::uint64_t points_ = 0;
};

}  // namespace sluice::dataplane
