// Choosing an endpoint. A Balancer is built once from an immutable set (may be slow) and then asked
// (fast, const); what one worker remembers between picks is a BalancerMemory, what one session has
// tried is a Tries. Given the same inputs nginx's algorithms give nginx's answers
// (nginx 1.22 stream: round robin, least_conn, random two, ip_hash, hash, hash consistent).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/address.h"
#include "dataplane/upstream/endpoint_state.h"

namespace sluice::dataplane {

struct BalanceEndpoint {
  SocketAddress address;
  std::string text;  // As configured: what RING_HASH hashes.
  std::uint32_t weight = 1;
  std::uint32_t max_connections = 0;  // 0: no limit.
  bool backup = false;
  bool drain = false;  // nginx `down`: takes no new session.
  std::shared_ptr<EndpointState> state;
};

// nginx max_fails and fail_timeout.
struct PassiveHealth {
  std::uint32_t max_fails = 1;  // 0: off.
  std::int64_t fail_timeout_s = 10;
};

enum class BalancePolicy : std::uint8_t {
  kRoundRobin,
  kLeastConnections,
  kRandom,
  kIpHash,
  kHash,
  kRingHash
};

// One worker's memory of one upstream (round robin's current and effective weights).
// Owned and used by that worker's thread only.
class BalancerMemory {
 public:
  virtual ~BalancerMemory() = default;
};

// What one session has tried so far. A fresh one for every session.
struct Tries {
  std::vector<std::uint32_t> tried;  // Endpoint indexes.
  bool backup = false;               // The primary list is exhausted for this session.
  bool started = false;              // `hash` holds something.
  std::uint32_t hash = 0;            // HASH: running sum. RING_HASH: position.
  std::uint32_t rehash = 0;          // HASH: rounds so far.
  std::uint32_t misses = 0;          // Draws that found an endpoint of no use.
};

struct PickInput {
  const SocketAddress* client = nullptr;  // For IP_HASH.
  std::string_view key;                   // For HASH and RING_HASH.
  std::int64_t now_s = 0;                 // Monotonic, whole seconds.
  std::minstd_rand* random = nullptr;
};

// Immutable; thread-safe.
class Balancer {
 public:
  virtual ~Balancer() = default;

  // Index into endpoints(), added to `tries`; nothing when no endpoint can be used.
  // Takes the endpoint: increments state->open. Release() gives it back.
  virtual std::optional<std::uint32_t> Pick(const PickInput& input, BalancerMemory& memory,
                                            Tries& tries) const = 0;
  // A new memory; what `previous` (of an earlier configuration of the same upstream, may be null)
  // knew of endpoints that are still there is carried over, by state identity.
  virtual std::unique_ptr<BalancerMemory> NewMemory(const BalancerMemory* previous) const = 0;

  // The session could not use the endpoint (nginx 5.1, 5.2): fails++, effective weight lowered.
  virtual void Failed(std::uint32_t index, std::int64_t now_s, BalancerMemory& memory) const = 0;
  // Connected (TCP), or ended with its responses (UDP).
  virtual void Succeeded(std::uint32_t index) const = 0;
  // Exactly once for every pick, when the session has done with the endpoint.
  virtual void Release(std::uint32_t index) const = 0;

  virtual const std::vector<BalanceEndpoint>& endpoints() const = 0;
};

std::unique_ptr<const Balancer> BuildBalancer(BalancePolicy policy,
                                              std::vector<BalanceEndpoint> endpoints,
                                              PassiveHealth health);

// Is the endpoint available as of now (not failed by passive health)? For status reports.
bool IsAvailable(const EndpointState& state, const PassiveHealth& health, std::int64_t now_s);

}  // namespace sluice::dataplane
