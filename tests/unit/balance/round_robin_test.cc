#include <gtest/gtest.h>

#include <map>

#include "tests/unit/balance/balance_fixture.h"

namespace sluice::dataplane {
namespace {

constexpr auto kPolicy = BalancePolicy::kRoundRobin;

TEST(RoundRobin, SpreadsSmoothlyByWeightAsNginxDoes) {
  TestBalancer balancer(kPolicy, {{"a", 5}, {"b", 1}, {"c", 1}});
  EXPECT_EQ(balancer.Sequence(14), "a a b a c a a a a b a c a a");
}

TEST(RoundRobin, GivesThreeToTwoInNginxOrder) {
  TestBalancer balancer(kPolicy, {{"a", 3}, {"b", 2}});
  EXPECT_EQ(balancer.Sequence(5), "a b a b a");
}

TEST(RoundRobin, IsExactlyProportionalOverEachFullRound) {
  TestBalancer balancer(kPolicy, {{"a", 7}, {"b", 4}, {"c", 13}, {"d", 1}});
  for (int round = 0; round < 20; ++round) {
    std::map<std::string, int> picks;
    for (int i = 0; i < 25; ++i) ++picks[balancer.PickOnce()];
    EXPECT_EQ(picks, (std::map<std::string, int>{{"a", 7}, {"b", 4}, {"c", 13}, {"d", 1}}));
  }
}

TEST(RoundRobin, ARetryGoesElsewhereUntilNobodyIsLeft) {
  TestBalancer balancer(kPolicy, {{"a"}, {"b"}, {"c"}});
  Tries tries;
  EXPECT_EQ(balancer.Pick(tries), "a");
  EXPECT_EQ(balancer.Pick(tries), "b");
  EXPECT_EQ(balancer.Pick(tries), "c");
  EXPECT_EQ(balancer.Pick(tries), "-");
  EXPECT_EQ(balancer.Pick(tries), "-");
}

TEST(RoundRobin, ASingleEndpointIsTriedOnceASession) {
  TestBalancer balancer(kPolicy, {{"a"}});
  Tries tries;
  EXPECT_EQ(balancer.Pick(tries), "a");
  EXPECT_EQ(balancer.Pick(tries), "-");
  EXPECT_EQ(balancer.PickOnce(), "a");
}

TEST(RoundRobin, NobodyIsPickedFromAnEmptySet) {
  TestBalancer balancer(kPolicy, {});
  EXPECT_EQ(balancer.PickOnce(), "-");
}

TEST(RoundRobin, DrainedEndpointsGetNoNewSession) {
  TestBalancer balancer(kPolicy, {{"a"}, {.text = "b", .drain = true}, {"c"}});
  EXPECT_EQ(balancer.Sequence(4), "a c a c");
  TestBalancer alone(kPolicy, {{.text = "b", .drain = true}});
  EXPECT_EQ(alone.PickOnce(), "-");
}

TEST(RoundRobin, AFullEndpointIsPassedOverUntilASessionEnds) {
  TestBalancer balancer(kPolicy,
                        {{.text = "a", .max_connections = 1}, {.text = "b", .max_connections = 2}});
  EXPECT_EQ(balancer.Open(), "a");
  EXPECT_EQ(balancer.Open(), "b");
  EXPECT_EQ(balancer.Open(), "b");
  EXPECT_EQ(balancer.Open(), "-");
  balancer.balancer().Release(balancer.IndexOf("a"));
  EXPECT_EQ(balancer.Open(), "a");
  EXPECT_EQ(balancer.Open(), "-");
}

TEST(RoundRobin, BackupsServeOnlyWhenNoPrimaryCan) {
  TestBalancer balancer(kPolicy, {{"a"}, {.text = "x", .backup = true}, {"b"}});
  EXPECT_EQ(balancer.Sequence(4), "a b a b");
  Tries tries;
  balancer.Pick(tries);
  balancer.Pick(tries);
  EXPECT_EQ(balancer.Pick(tries), "x");
  EXPECT_EQ(balancer.Pick(tries), "-");
}

TEST(RoundRobin, BackupsServeWhenAllPrimariesDrain) {
  TestBalancer balancer(kPolicy, {{.text = "a", .drain = true},
                                  {.text = "x", .weight = 2, .backup = true},
                                  {.text = "y", .backup = true}});
  EXPECT_EQ(balancer.Sequence(3), "x y x");
}

TEST(RoundRobin, TheRotationGoesOnAfterAChangeThatKeepsTheEndpoints) {
  const std::vector<TestEndpoint> endpoints = {{"a", 5}, {"b", 1}, {"c", 1}};
  TestBalancer before(kPolicy, endpoints);
  EXPECT_EQ(before.Sequence(3), "a a b");
  TestBalancer after(kPolicy, endpoints, {}, &before);
  EXPECT_EQ(after.Sequence(4), "a c a a");
}

TEST(RoundRobin, ReorderedEndpointsKeepTheirTurnByIdentity) {
  const TestEndpoint a{"a"}, b{"b"}, c{"c"};
  TestBalancer before(kPolicy, {a, b, c});
  EXPECT_EQ(before.Sequence(1), "a");
  TestBalancer after(kPolicy, {a, c, b}, {}, &before);
  EXPECT_EQ(after.Sequence(3), "c b a");
}

TEST(RoundRobin, ANewcomerGetsItsShareAfterThousandsOfChanges) {
  const TestEndpoint a{"a"}, b{"b"};
  auto current = std::make_unique<TestBalancer>(kPolicy, std::vector<TestEndpoint>{a, b});
  for (int change = 0; change < 5000; ++change) {
    // Endpoints come, are picked and go at once: each leaves with a negative current weight.
    TestBalancer with(kPolicy, {a, b, {"c"}}, {}, current.get());
    while (with.PickOnce() != "c") {
    }
    current = std::make_unique<TestBalancer>(kPolicy, std::vector<TestEndpoint>{a, b},
                                             PassiveHealth{}, &with);
  }
  TestBalancer last(kPolicy, {a, b, {"c"}}, {}, current.get());
  std::map<std::string, int> picks;
  for (int i = 0; i < 30; ++i) ++picks[last.PickOnce()];
  EXPECT_GE(picks["c"], 9);
  EXPECT_LE(picks["c"], 11);
}

}  // namespace
}  // namespace sluice::dataplane
