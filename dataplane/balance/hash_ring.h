// The ketama ring of Cache::Memcached::Fast and nginx `hash KEY consistent`: 160 points for a unit
// of weight, each naming a server. Where nginx would take more points than limits::kRingExactWeight
// allows (or one unit of weight a server, if that is more), the servers share so many by their
// weights: each has a part of the points that nginx gives it, the first ones. Pure; immutable once
// built.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace sluice::dataplane {

class HashRing {
 public:
  struct Server {
    std::string_view text;  // As configured; only read while building.
    std::uint64_t weight;
  };
  struct Point {
    std::uint32_t hash;
    std::uint32_t server;  // Index into the servers it was built from.
  };

  // How many points (before equal ones are made one) the ring of these has; what it takes to build
  // it goes by that.
  static std::uint64_t CountPoints(const std::vector<Server>& servers);

  explicit HashRing(const std::vector<Server>& servers);

  // Where the key falls: the first point at or after its hash, around the end. The ring is not
  // empty.
  std::uint32_t Position(std::string_view key) const;
  std::uint32_t ServerAt(std::uint32_t position) const {
    return points_[position % points_.size()].server;
  }
  const std::vector<Point>& points() const { return points_; }

 private:
  std::vector<Point> points_;  // By hash, each hash once.
};

}  // namespace sluice::dataplane
