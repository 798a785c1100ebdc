// A balancer with one worker's memory, asked as sessions ask it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/balance/balancer.h"

namespace sluice::dataplane {

struct TestEndpoint {
  std::string text;  // Any text; `a` stands for an address as well as 127.0.0.1:9001.
  std::uint32_t weight = 1;
  std::uint32_t max_connections = 0;
  bool backup = false;
  bool drain = false;
  std::shared_ptr<EndpointState> state = std::make_shared<EndpointState>();
};

class TestBalancer {
 public:
  TestBalancer(BalancePolicy policy, std::vector<TestEndpoint> endpoints, PassiveHealth health = {},
               const TestBalancer* previous = nullptr);

  // Text of the endpoint, or `-` when none could be used.
  std::string Pick(Tries& tries, std::string_view key = {});
  // As a session that ends at once with success; nothing stays open.
  std::string PickOnce(std::string_view key = {});
  // As a session that stays.
  std::string Open(std::string_view key = {});
  // The texts of so many sessions that end at once, separated by spaces.
  std::string Sequence(int count);
  // A session that cannot use the endpoint it gets, and does not try another.
  std::string PickAndFail();
  // The session's answer for a client address.
  std::string PickFor(std::string_view client);

  std::uint32_t IndexOf(std::string_view text) const;
  EndpointState& state(std::string_view text) const;
  const Balancer& balancer() const { return *balancer_; }
  SmoothWeights& memory() { return memory_; }

  std::int64_t now_s = 1000;

 private:
  std::optional<std::uint32_t> PickIndex(Tries& tries, std::string_view key,
                                         const SocketAddress* client);
  std::string Text(std::optional<std::uint32_t> index) const;

  std::unique_ptr<const Balancer> balancer_;
  SmoothWeights memory_;
  std::minstd_rand random_{7};
};

}  // namespace sluice::dataplane
