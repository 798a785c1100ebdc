// Smooth weighted round robin (nginx 5,1,1 -> a a b a c a a) over any part of a set. It decides
// alone in ROUND_ROBIN, breaks ties in LEAST_CONNECTIONS, and is what the other policies fall back
// to. The weights are one worker's memory: used by that worker's thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/balance/endpoint_set.h"

namespace sluice::dataplane {

class SmoothWeights {
 public:
  // Starts anew for each endpoint of `set` but those `previous` (may be null) knows, by identity of
  // their state; what it knows of these goes on.
  SmoothWeights(const EndpointSet& set, const SmoothWeights* previous);

  // One round among the endpoints added to it, which must be usable. The largest current weight
  // wins, the first added among equals. Nothing when none was added.
  class Round {
   public:
    explicit Round(SmoothWeights& weights) : weights_(weights) {}
    void Add(std::uint32_t index);
    std::optional<std::uint32_t> Finish();

   private:
    SmoothWeights& weights_;
    std::int64_t total_ = 0;
    std::optional<std::uint32_t> best_;
  };

  // The endpoint failed: it gets less until it has recovered, one point a round it takes part in.
  void Lower(std::uint32_t index, std::uint32_t max_fails);

 private:
  struct Entry {
    std::int64_t weight;
    std::int64_t effective;
    std::int64_t current;
  };
  std::vector<Entry> entries_;
  std::shared_ptr<const EndpointSet::States> states_;
};

}  // namespace sluice::dataplane
