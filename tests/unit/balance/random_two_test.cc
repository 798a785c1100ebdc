#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "tests/unit/balance/balance_fixture.h"

namespace sluice::dataplane {
namespace {

constexpr auto kPolicy = BalancePolicy::kRandom;

TEST(RandomTwo, OfTwoEndpointsTheOneWithFewerSessionsByWeightIsTaken) {
  TestBalancer balancer(kPolicy, {{"a", 2}, {"b", 1}});
  balancer.state("a").open = 3;
  balancer.state("b").open = 2;
  for (int i = 0; i < 50; ++i) EXPECT_EQ(balancer.PickOnce(), "a");
  balancer.state("a").open = 5;
  for (int i = 0; i < 50; ++i) EXPECT_EQ(balancer.PickOnce(), "b");
}

TEST(RandomTwo, IdleEqualEndpointsGetEqualShares) {
  TestBalancer balancer(kPolicy, {{"a"}, {"b"}, {"c"}, {"d"}});
  std::map<std::string, int> picks;
  for (int i = 0; i < 8000; ++i) ++picks[balancer.PickOnce()];
  for (const auto& [text, count] : picks) EXPECT_NEAR(count, 2000, 250) << text;
  EXPECT_EQ(picks.size(), 4U);
}

TEST(RandomTwo, OpenSessionsSpreadByWeight) {
  TestBalancer balancer(kPolicy, {{"a", 1}, {"b", 2}, {"c", 5}});
  for (int i = 0; i < 800; ++i) balancer.Open();
  EXPECT_NEAR(balancer.state("a").open, 100, 10);
  EXPECT_NEAR(balancer.state("b").open, 200, 10);
  EXPECT_NEAR(balancer.state("c").open, 500, 10);
}

TEST(RandomTwo, TheOnlyUsableEndpointIsFoundThoughItIsHardlyEverDrawn) {
  TestBalancer balancer(kPolicy, {{.text = "a", .weight = 65535, .drain = true}, {"b"}});
  for (int i = 0; i < 50; ++i) EXPECT_EQ(balancer.PickOnce(), "b");
}

TEST(RandomTwo, ARetryGoesElsewhereUntilNobodyIsLeft) {
  TestBalancer balancer(kPolicy, {{"a"}, {"b"}, {"c"}});
  for (int i = 0; i < 50; ++i) {
    Tries tries;
    std::map<std::string, int> picks;
    for (int attempt = 0; attempt < 3; ++attempt) ++picks[balancer.Pick(tries)];
    EXPECT_EQ(picks, (std::map<std::string, int>{{"a", 1}, {"b", 1}, {"c", 1}}));
    EXPECT_EQ(balancer.Pick(tries), "-");
  }
}

}  // namespace
}  // namespace sluice::dataplane
