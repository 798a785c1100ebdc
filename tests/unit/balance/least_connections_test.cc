#include <gtest/gtest.h>

#include "tests/unit/balance/balance_fixture.h"

namespace sluice::dataplane {
namespace {

constexpr auto kPolicy = BalancePolicy::kLeastConnections;

TEST(LeastConnections, TheEndpointWithFewestSessionsIsNext) {
  TestBalancer balancer(kPolicy, {{"a"}, {"b"}, {"c"}});
  EXPECT_EQ(balancer.Open(), "a");
  EXPECT_EQ(balancer.Open(), "b");
  EXPECT_EQ(balancer.Open(), "c");
  balancer.balancer().Release(balancer.IndexOf("b"));
  EXPECT_EQ(balancer.Open(), "b");
}

TEST(LeastConnections, SessionsAreComparedByWeight) {
  TestBalancer balancer(kPolicy, {{"a", 3}, {"b", 1}});
  int a = 0;
  for (int i = 0; i < 40; ++i) a += balancer.Open() == "a";
  EXPECT_EQ(a, 30);
}

TEST(LeastConnections, TiesAreBrokenByRoundRobin) {
  TestBalancer balancer(kPolicy, {{"a", 5}, {"b", 1}, {"c", 1}});
  EXPECT_EQ(balancer.Sequence(7), "a a b a c a a");
}

TEST(LeastConnections, OnlyTheTiedTakePartInTheRoundRobin) {
  TestBalancer balancer(kPolicy, {{"a"}, {"b"}, {"c"}});
  balancer.state("a").open = 5;
  EXPECT_EQ(balancer.Sequence(4), "b c b c");
  balancer.state("a").open = 0;
}

TEST(LeastConnections, ARetryGoesElsewhereAndThenToTheBackups) {
  TestBalancer balancer(kPolicy, {{"a"}, {"b"}, {.text = "x", .backup = true}});
  Tries tries;
  EXPECT_EQ(balancer.Pick(tries), "a");
  EXPECT_EQ(balancer.Pick(tries), "b");
  EXPECT_EQ(balancer.Pick(tries), "x");
  EXPECT_EQ(balancer.Pick(tries), "-");
}

TEST(LeastConnections, DrainedAndFullEndpointsAreNeverPicked) {
  TestBalancer balancer(kPolicy,
                        {{.text = "a", .drain = true}, {.text = "b", .max_connections = 1}, {"c"}});
  balancer.state("c").open = 100;
  EXPECT_EQ(balancer.Open(), "b");
  EXPECT_EQ(balancer.Open(), "c");
}

}  // namespace
}  // namespace sluice::dataplane
