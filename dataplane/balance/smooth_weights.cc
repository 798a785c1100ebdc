#include "dataplane/balance/smooth_weights.h"

#include <algorithm>
#include <cstddef>

#include "absl/container/flat_hash_map.h"

namespace sluice::dataplane {

SmoothWeights::SmoothWeights(const EndpointSet& set, const SmoothWeights* previous)
    : states_(set.states()) {
  const auto count = static_cast<std::uint32_t>(states_->size());
  entries_.reserve(count);
  for (std::uint32_t index = 0; index < count; ++index) {
    entries_.push_back({set.weight(index), set.weight(index), 0});
  }
  if (previous == nullptr) return;

  const EndpointSet::States& known = *previous->states_;
  absl::flat_hash_map<const EndpointState*, std::uint32_t> positions;
  std::vector<std::uint32_t> carried;
  std::int64_t sum = 0;
  for (std::uint32_t index = 0; index < count; ++index) {
    const EndpointState* state = (*states_)[index].get();
    std::uint32_t position = index;  // Most changes leave most of the list in place.
    if (position >= known.size() || known[position].get() != state) {
      if (positions.empty()) {
        for (std::uint32_t i = 0; i < known.size(); ++i) positions.emplace(known[i].get(), i);
      }
      const auto found = positions.find(state);
      if (found == positions.end()) continue;
      position = found->second;
    }
    const Entry& from = previous->entries_[position];
    Entry& to = entries_[index];
    to.current = from.current;
    if (to.weight == from.weight) to.effective = from.effective;
    carried.push_back(index);
    sum += from.current;
  }
  // The current weights of a set add up to 0. What left took its part of that sum along; without
  // this the rest would drift away from where newcomers start.
  if (carried.empty() || sum == 0) return;
  const std::int64_t mean = sum / static_cast<std::int64_t>(carried.size());
  for (const std::uint32_t index : carried) entries_[index].current -= mean;
}

void SmoothWeights::Round::Add(std::uint32_t index) {
  Entry& entry = weights_.entries_[index];
  entry.current += entry.effective;
  total_ += entry.effective;
  if (entry.effective < entry.weight) ++entry.effective;
  if (!best_ || entry.current > weights_.entries_[*best_].current) best_ = index;
}

std::optional<std::uint32_t> SmoothWeights::Round::Finish() {
  if (best_) weights_.entries_[*best_].current -= total_;
  return best_;
}

void SmoothWeights::Lower(std::uint32_t index, std::uint32_t max_fails) {
  if (max_fails == 0) return;
  Entry& entry = entries_[index];
  entry.effective = std::max<std::int64_t>(0, entry.effective - entry.weight / max_fails);
}

}  // namespace sluice::dataplane
