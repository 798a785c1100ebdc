// Choosing an endpoint. A Balancer is built once from an immutable set (may be slow) and then asked
// (fast, const); what one worker remembers between picks is a SmoothWeights, what one session has
// tried is a Tries. Given the same inputs nginx's algorithms give nginx's answers
// (nginx 1.22 stream: round robin, least_conn, random two, ip_hash, hash, hash consistent).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/balance/balance_endpoint.h"
#include "dataplane/balance/endpoint_set.h"
#include "dataplane/balance/pick.h"
#include "dataplane/balance/selection.h"
#include "dataplane/balance/smooth_weights.h"

namespace sluice::dataplane {

enum class BalancePolicy : std::uint8_t {
  kRoundRobin,
  kLeastConnections,
  kRandom,
  kIpHash,
  kHash,
  kRingHash
};

// Immutable but for the EndpointStates; thread-safe.
class Balancer {
 public:
  Balancer(BalancePolicy policy, std::vector<BalanceEndpoint> endpoints, PassiveHealth health);

  // Index into endpoints(), added to `tries`; nothing when no endpoint can be used.
  // Takes the endpoint: increments state->open. Release() gives it back. `memory` is the calling
  // worker's, made by NewMemory() of this balancer.
  std::optional<std::uint32_t> Pick(const PickInput& input, SmoothWeights& memory,
                                    Tries& tries) const;
  // A new memory; what `previous` (of an earlier configuration of the same upstream, may be null)
  // knew of endpoints that are still there is carried over, by state identity.
  SmoothWeights NewMemory(const SmoothWeights* previous) const {
    return SmoothWeights(set_, previous);
  }

  // The session could not use the endpoint (nginx 5.1, 5.2): fails++, effective weight lowered.
  // True: it is unavailable from now on.
  bool Failed(std::uint32_t index, std::int64_t now_s, SmoothWeights& memory) const;
  // Connected (TCP), or ended with its responses (UDP). True: it is available again.
  bool Succeeded(std::uint32_t index) const { return set_.CountSuccess(index); }
  // Exactly once for every pick, when the session has done with the endpoint.
  void Release(std::uint32_t index) const { set_.Release(index); }

  const std::vector<BalanceEndpoint>& endpoints() const { return set_.endpoints(); }
  const PassiveHealth& health() const { return set_.health(); }

 private:
  const EndpointSet set_;
  const std::unique_ptr<const Selection> selection_;
};

}  // namespace sluice::dataplane
