#include "dataplane/phases/proxy_route.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "dataplane/tables/siphash.h"
#include "dataplane/tables/source_table.h"

namespace sluice::dataplane {
namespace {

// Targets with the running sum of their weights.
class WeightedTargets {
 public:
  explicit WeightedTargets(const std::vector<RouteTarget>& targets) {
    for (const RouteTarget& target : targets) {
      if (target.weight == 0) continue;
      total_ += target.weight;
      entries_.push_back({total_, target.upstream});
    }
    SLUICE_CHECK(total_ > 0);
  }

  std::uint32_t Pick(std::uint64_t random) const {
    if (entries_.size() == 1) return entries_.front().upstream;
    // The remainder prefers low values by less than 2^-38: weights add up to less than 2^26.
    const std::uint64_t point = random % total_;
    return std::find_if(entries_.begin(), entries_.end(),
                        [&](const Entry& entry) { return point < entry.end; })
        ->upstream;
  }

 private:
  struct Entry {
    std::uint64_t end;
    std::uint32_t upstream;
  };
  std::vector<Entry> entries_;
  std::uint64_t total_ = 0;
};

class ProxyRouteHandler final : public PhaseHandler {
 public:
  explicit ProxyRouteHandler(const std::vector<ProxyRoute>& routes) : seed_(RandomSipKey().k0) {
    std::vector<SourceTable::Source> sources;
    for (const ProxyRoute& route : routes) {
      const auto position = static_cast<std::uint32_t>(targets_.size());
      targets_.emplace_back(route.targets);
      for (const Cidr& block : route.sources) sources.push_back({block, position});
      if (route.sources.empty()) fits_all_ = std::min(fits_all_, position);
    }
    sources_ = SourceTable::Build(sources);
  }

  Verdict Run(SessionState& session, const FirstBytes&) const override {
    const std::uint32_t route = std::min(sources_.FirstMatch(session.client), fits_all_);
    if (route == SourceTable::kNone) return Verdict::Close(CloseReason::kNoRoute);
    session.route = targets_[route].Pick(Random(session.id));
    return Verdict::NextPhase();
  }

 private:
  // splitmix64's output function (Steele et al. 2014): serial numbers become independent draws, and
  // no state is shared between workers.
  std::uint64_t Random(std::uint64_t id) const {
    std::uint64_t z = seed_ + id * 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

  const std::uint64_t seed_;
  std::vector<WeightedTargets> targets_;  // By route.
  SourceTable sources_;
  std::uint32_t fits_all_ = SourceTable::kNone;  // The first route without a match.
};

}  // namespace

std::unique_ptr<const PhaseHandler> MakeProxyRoute(const std::vector<ProxyRoute>& routes) {
  return std::make_unique<ProxyRouteHandler>(routes);
}

}  // namespace sluice::dataplane
