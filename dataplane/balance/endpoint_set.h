// The endpoints of one upstream as the selections see them: in two lists (primary and backup, as
// nginx), with the one rule of what is usable and the one place where an endpoint is taken.
// Immutable but for the EndpointStates it points to; thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/balance/balance_endpoint.h"
#include "dataplane/balance/pick.h"

namespace sluice::dataplane {

class EndpointSet {
 public:
  // One of the two lists, in configured order, drained endpoints included.
  class List {
   public:
    void Add(std::uint32_t index, std::uint32_t weight);
    std::span<const std::uint32_t> indexes() const { return indexes_; }
    std::size_t size() const { return indexes_.size(); }
    std::uint64_t total_weight() const { return bounds_.empty() ? 0 : bounds_.back(); }
    // The endpoint at `point` (below total_weight) when each takes as many points as its weight.
    std::uint32_t AtWeight(std::uint64_t point) const;

   private:
    std::vector<std::uint32_t> indexes_;
    std::vector<std::uint64_t> bounds_;  // Sum of the weights up to and including this one.
  };
  using States = std::vector<std::shared_ptr<EndpointState>>;

  EndpointSet(std::vector<BalanceEndpoint> endpoints, PassiveHealth health);

  const std::vector<BalanceEndpoint>& endpoints() const { return endpoints_; }
  const List& list(bool backup) const { return backup ? backup_ : primary_; }
  // One endpoint in all: passive health does not apply, there is nothing else to try.
  bool single() const { return endpoints_.size() == 1; }
  // In the order of endpoints(); shared so that who compares by identity can keep them alive.
  const std::shared_ptr<const States>& states() const { return states_; }

  std::uint32_t weight(std::uint32_t index) const { return hot_[index].weight; }
  std::uint32_t open(std::uint32_t index) const {
    return hot_[index].state->open.load(std::memory_order_relaxed);
  }
  // Neither tried in this session, draining, failed nor full.
  bool IsUsable(std::uint32_t index, const Tries& tries, std::int64_t now_s) const;

  // Counts a session in, unless another worker has just taken the last place or the one probe that
  // a failed endpoint is granted: then IsUsable has become false.
  bool Take(std::uint32_t index, std::int64_t now_s) const;
  void Release(std::uint32_t index) const;
  // True: this was the failure that makes it unavailable.
  bool CountFailure(std::uint32_t index, std::int64_t now_s) const;
  // True: it had been unavailable.
  bool CountSuccess(std::uint32_t index) const;
  const PassiveHealth& health() const { return health_; }

 private:
  // What a pick reads of every endpoint, close together.
  struct Hot {
    EndpointState* state;
    std::uint32_t weight;
    std::uint32_t max_connections;
    bool drain;
  };

  const std::vector<BalanceEndpoint> endpoints_;
  const PassiveHealth health_;
  std::vector<Hot> hot_;
  std::shared_ptr<const States> states_;
  List primary_;
  List backup_;
};

}  // namespace sluice::dataplane
