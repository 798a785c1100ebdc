#include "dataplane/balance/endpoint_set.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"

namespace sluice::dataplane {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

}  // namespace

bool IsAvailable(const EndpointState& state, const PassiveHealth& health, std::int64_t now_s) {
  return health.max_fails == 0 || state.fails.load(kRelaxed) < health.max_fails ||
         now_s - state.checked.load(kRelaxed) > health.fail_timeout_s;
}

void EndpointSet::List::Add(std::uint32_t index, std::uint32_t weight) {
  bounds_.push_back(total_weight() + weight);
  indexes_.push_back(index);
}

std::uint32_t EndpointSet::List::AtWeight(std::uint64_t point) const {
  const auto bound = std::upper_bound(bounds_.begin(), bounds_.end(), point);
  return indexes_[static_cast<std::size_t>(bound - bounds_.begin())];
}

EndpointSet::EndpointSet(std::vector<BalanceEndpoint> endpoints, PassiveHealth health)
    : endpoints_(std::move(endpoints)), health_(health) {
  auto states = std::make_shared<States>();
  states->reserve(endpoints_.size());
  hot_.reserve(endpoints_.size());
  for (std::uint32_t index = 0; index < endpoints_.size(); ++index) {
    const BalanceEndpoint& endpoint = endpoints_[index];
    SLUICE_CHECK(endpoint.state != nullptr && endpoint.weight > 0);
    hot_.push_back(
        {endpoint.state.get(), endpoint.weight, endpoint.max_connections, endpoint.drain});
    states->push_back(endpoint.state);
    (endpoint.backup ? backup_ : primary_).Add(index, endpoint.weight);
  }
  states_ = std::move(states);
}

bool EndpointSet::IsUsable(std::uint32_t index, const Tries& tries, std::int64_t now_s) const {
  const Hot& endpoint = hot_[index];
  if (endpoint.drain) return false;
  if (endpoint.max_connections != 0 &&
      endpoint.state->open.load(kRelaxed) >= endpoint.max_connections) {
    return false;
  }
  if (!single() && !IsAvailable(*endpoint.state, health_, now_s)) return false;
  return std::find(tries.tried.begin(), tries.tried.end(), index) == tries.tried.end();
}

bool EndpointSet::Take(std::uint32_t index, std::int64_t now_s) const {
  const Hot& endpoint = hot_[index];
  EndpointState& state = *endpoint.state;
  if (endpoint.max_connections == 0) {
    state.open.fetch_add(1, kRelaxed);
  } else {
    std::uint32_t open = state.open.load(kRelaxed);
    do {
      if (open >= endpoint.max_connections) return false;
    } while (!state.open.compare_exchange_weak(open, open + 1, kRelaxed));
  }
  std::int64_t checked = state.checked.load(kRelaxed);
  if (!single() && now_s - checked > health_.fail_timeout_s &&
      !state.checked.compare_exchange_strong(checked, now_s, kRelaxed) &&
      !IsAvailable(state, health_, now_s)) {
    Release(index);  // Another worker's session is the probe.
    return false;
  }
  state.sessions_total.fetch_add(1, kRelaxed);
  return true;
}

void EndpointSet::Release(std::uint32_t index) const {
  const std::uint32_t before = hot_[index].state->open.fetch_sub(1, kRelaxed);
  SLUICE_CHECK(before > 0);
}

bool EndpointSet::CountFailure(std::uint32_t index, std::int64_t now_s) const {
  EndpointState& state = *hot_[index].state;
  state.failures_total.fetch_add(1, kRelaxed);
  if (single()) return false;
  const std::uint32_t fails = state.fails.fetch_add(1, kRelaxed) + 1;
  state.accessed.store(now_s, kRelaxed);
  state.checked.store(now_s, kRelaxed);
  return health_.max_fails != 0 && fails == health_.max_fails;
}

bool EndpointSet::CountSuccess(std::uint32_t index) const {
  EndpointState& state = *hot_[index].state;
  // Only a session that was picked more than failTimeout after the last failure proves anything.
  if (state.accessed.load(kRelaxed) >= state.checked.load(kRelaxed)) return false;
  if (state.fails.load(kRelaxed) == 0) return false;
  const std::uint32_t fails = state.fails.exchange(0, kRelaxed);
  return health_.max_fails != 0 && fails >= health_.max_fails && !single();
}

}  // namespace sluice::dataplane
