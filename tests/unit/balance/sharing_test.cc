// Several workers, one set: each has its own memory, the endpoints' states are shared.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "tests/unit/balance/balance_fixture.h"

namespace sluice::dataplane {
namespace {

class EveryPolicy : public testing::TestWithParam<BalancePolicy> {};

INSTANTIATE_TEST_SUITE_P(Policies, EveryPolicy,
                         testing::Values(BalancePolicy::kRoundRobin,
                                         BalancePolicy::kLeastConnections, BalancePolicy::kRandom,
                                         BalancePolicy::kIpHash, BalancePolicy::kHash,
                                         BalancePolicy::kRingHash));

TEST_P(EveryPolicy, MaxConnectionsHoldsAcrossWorkers) {
  std::vector<BalanceEndpoint> endpoints;
  for (int i = 0; i < 4; ++i) {
    endpoints.push_back({.address = SocketAddress(),
                         .text = std::string(1, static_cast<char>('a' + i)),
                         .weight = static_cast<std::uint32_t>(1 + i),
                         .max_connections = 3,
                         .state = std::make_shared<EndpointState>()});
  }
  const auto balancer = std::make_unique<const Balancer>(GetParam(), endpoints, PassiveHealth{});
  std::atomic<bool> exceeded = false;
  std::vector<std::jthread> workers;
  for (unsigned worker = 0; worker < 4; ++worker) {
    workers.emplace_back([&, worker] {
      auto memory = balancer->NewMemory(nullptr);
      std::minstd_rand random(worker + 1);
      std::vector<std::uint32_t> held;
      for (int i = 0; i < 5000; ++i) {
        Tries tries;
        const std::string key = std::to_string(i);
        const PickInput input{.key = key, .now_s = 100 + i / 100, .random = &random};
        if (const auto index = balancer->Pick(input, memory, tries)) {
          if (balancer->endpoints()[*index].state->open > 3) exceeded = true;
          held.push_back(*index);
        }
        if (held.size() > 3 || (i % 3 == 0 && !held.empty())) {
          balancer->Release(held.back());
          held.pop_back();
        }
      }
      for (const std::uint32_t index : held) balancer->Release(index);
    });
  }
  workers.clear();
  EXPECT_FALSE(exceeded);
  std::uint64_t sessions = 0;
  for (const auto& endpoint : balancer->endpoints()) {
    EXPECT_EQ(endpoint.state->open, 0U);
    sessions += endpoint.state->sessions_total;
  }
  EXPECT_GT(sessions, 0U);
}

TEST_P(EveryPolicy, NeverPicksWhatCannotBeUsedAndAlwaysFindsWhatCan) {
  std::minstd_rand random(11);
  for (int round = 0; round < 60; ++round) {
    std::vector<BalanceEndpoint> endpoints;
    const std::size_t count = 2 + random() % 12;
    std::size_t usable = 0;
    for (std::size_t i = 0; i < count; ++i) {
      auto state = std::make_shared<EndpointState>();
      BalanceEndpoint endpoint{.address = SocketAddress(),
                               .text = "10.0.0.1:" + std::to_string(i),
                               .weight = static_cast<std::uint32_t>(1 + random() % 9),
                               .max_connections = 5,
                               .state = state};
      endpoint.drain = random() % 3 == 0;
      if (random() % 3 == 0) state->open = 5;
      if (random() % 3 == 0) {
        state->fails = 1;
        state->checked = 95;
      }
      usable += !endpoint.drain && state->open < 5 && state->fails == 0;
      endpoints.push_back(std::move(endpoint));
    }
    const auto balancer = std::make_unique<const Balancer>(GetParam(), endpoints, PassiveHealth{});
    auto memory = balancer->NewMemory(nullptr);
    Tries tries;
    const PickInput input{.key = "some key", .now_s = 100, .random = &random};
    std::size_t picked = 0;
    while (const auto index = balancer->Pick(input, memory, tries)) {
      ++picked;
      const BalanceEndpoint& endpoint = balancer->endpoints()[*index];
      ASSERT_FALSE(endpoint.drain);
      ASSERT_EQ(endpoint.state->fails, 0U);
      ASSERT_LE(endpoint.state->open, 5U);
      ASSERT_EQ(std::count(tries.tried.begin(), tries.tried.end(), *index), 1);
    }
    ASSERT_EQ(picked, usable) << "round " << round;
  }
}

TEST(Sharing, OnlyOneWorkerProbesAFailedEndpoint) {
  const std::vector<TestEndpoint> endpoints = {{"a", 100}, {"b", 1}};
  TestBalancer first(BalancePolicy::kRoundRobin, endpoints);
  TestBalancer second(BalancePolicy::kRoundRobin, endpoints);
  EXPECT_EQ(TestBalancer(BalancePolicy::kRoundRobin, endpoints).PickAndFail(), "a");
  first.now_s += 11;
  second.now_s += 11;
  EXPECT_EQ(first.Open(), "a");
  EXPECT_EQ(second.Open(), "b");
}

}  // namespace
}  // namespace sluice::dataplane
