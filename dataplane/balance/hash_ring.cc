#include "dataplane/balance/hash_ring.h"

#include <algorithm>
#include <array>

#include "common/base/limits.h"
#include "dataplane/balance/crc32.h"

namespace sluice::dataplane {
namespace {

// How many points each of `servers` gets.
class PointShares {
 public:
  explicit PointShares(const std::vector<HashRing::Server>& servers)
      : exact_(std::max<std::uint64_t>(limits::kRingExactWeight, servers.size())) {
    for (const HashRing::Server& server : servers) total_weight_ += server.weight;
  }
  // At least 1.
  std::uint64_t Of(const HashRing::Server& server) const {
    const std::uint64_t points = server.weight * limits::kRingPointsPerWeight;
    if (total_weight_ <= exact_) return points;
    return std::max<std::uint64_t>(1, points * exact_ / total_weight_);
  }

 private:
  const std::uint64_t exact_;  // The weight up to which nginx's points are taken, all of them.
  std::uint64_t total_weight_ = 0;
};

// CRC of HOST, a zero byte and PORT.
std::uint32_t ServerHash(std::string_view text) {
  std::string_view host = text;
  std::string_view port;
  if (text.starts_with("unix:")) {
    host.remove_prefix(5);
  } else if (const std::size_t colon = text.find_last_not_of("0123456789");
             colon != std::string_view::npos && text[colon] == ':') {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  return Crc32(Crc32(Crc32(0, host), std::string_view("\0", 1)), port);
}

// Stable; two passes of 16 bits. A ring of 10,000 servers is sorted anew at each of their changes.
void SortByHash(std::vector<HashRing::Point>& points) {
  std::vector<HashRing::Point> sorted(points.size());
  for (const int shift : {0, 16}) {
    std::vector<std::uint32_t> starts(0x10001);
    for (const HashRing::Point& point : points) ++starts[((point.hash >> shift) & 0xffff) + 1];
    for (std::size_t i = 1; i < starts.size(); ++i) starts[i] += starts[i - 1];
    for (const HashRing::Point& point : points) {
      sorted[starts[(point.hash >> shift) & 0xffff]++] = point;
    }
    points.swap(sorted);
  }
}

}  // namespace

std::uint64_t HashRing::CountPoints(const std::vector<Server>& servers) {
  const PointShares shares(servers);
  std::uint64_t points = 0;
  for (const Server& server : servers) points += shares.Of(server);
  return points;
}

HashRing::HashRing(const std::vector<Server>& servers) {
  points_.reserve(CountPoints(servers));
  const PointShares shares(servers);
  for (std::uint32_t index = 0; index < servers.size(); ++index) {
    const std::uint64_t points = shares.Of(servers[index]);
    const std::uint32_t base = ServerHash(servers[index].text);
    std::uint32_t hash = 0;
    for (std::uint64_t i = 0; i < points; ++i) {
      const std::array<char, 4> previous = {
          static_cast<char>(hash & 0xff), static_cast<char>((hash >> 8) & 0xff),
          static_cast<char>((hash >> 16) & 0xff), static_cast<char>((hash >> 24) & 0xff)};
      hash = Crc32(base, {previous.data(), previous.size()});
      points_.push_back({hash, index});
    }
  }
  SortByHash(points_);
  const auto same_hash = [](const Point& a, const Point& b) { return a.hash == b.hash; };
  points_.erase(std::unique(points_.begin(), points_.end(), same_hash), points_.end());
}

std::uint32_t HashRing::Position(std::string_view key) const {
  const std::uint32_t hash = Crc32(0, key);
  const auto point =
      std::lower_bound(points_.begin(), points_.end(), hash,
                       [](const Point& a, std::uint32_t wanted) { return a.hash < wanted; });
  return point == points_.end() ? 0 : static_cast<std::uint32_t>(point - points_.begin());
}

}  // namespace sluice::dataplane
