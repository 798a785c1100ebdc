#include <gtest/gtest.h>

#include "tests/unit/balance/balance_fixture.h"

namespace sluice::dataplane {
namespace {

constexpr auto kPolicy = BalancePolicy::kRoundRobin;
constexpr PassiveHealth kTwoInTen{.max_fails = 2, .fail_timeout_s = 10};

TEST(PassiveHealth, AnEndpointIsOutAfterMaxFailsForMoreThanFailTimeout) {
  TestBalancer balancer(kPolicy, {{"a"}, {"b"}}, kTwoInTen);
  EXPECT_EQ(balancer.PickAndFail(), "a");
  EXPECT_EQ(balancer.PickOnce(), "b");
  EXPECT_TRUE(IsAvailable(balancer.state("a"), kTwoInTen, balancer.now_s));
  while (balancer.PickAndFail() != "a") {
  }
  EXPECT_FALSE(IsAvailable(balancer.state("a"), kTwoInTen, balancer.now_s + 10));
  EXPECT_TRUE(IsAvailable(balancer.state("a"), kTwoInTen, balancer.now_s + 11));
}

TEST(PassiveHealth, OneSessionProbesAndTheOthersStayAwayMeanwhile) {
  TestBalancer balancer(kPolicy, {{"a", 5}, {"b", 1}}, {.max_fails = 1, .fail_timeout_s = 10});
  EXPECT_EQ(balancer.PickAndFail(), "a");
  EXPECT_EQ(balancer.Sequence(5), "b b b b b");
  balancer.now_s += 11;
  Tries probe;
  while (probe.tried.empty() || balancer.balancer().endpoints()[probe.tried[0]].text != "a") {
    probe = Tries();
    balancer.Pick(probe);
  }
  EXPECT_EQ(balancer.Open(), "b");
  EXPECT_EQ(balancer.Open(), "b");
  balancer.balancer().Succeeded(balancer.IndexOf("a"));
  EXPECT_EQ(balancer.state("a").fails, 0U);
}

TEST(PassiveHealth, SuccessSoonAfterAFailureProvesNothing) {
  TestBalancer balancer(kPolicy, {{"a"}, {"b"}}, kTwoInTen);
  EXPECT_EQ(balancer.PickAndFail(), "a");
  balancer.now_s += 5;
  EXPECT_EQ(balancer.Sequence(4).find('-'), std::string::npos);
  EXPECT_EQ(balancer.state("a").fails, 1U);
  balancer.now_s += 20;
  balancer.Sequence(4);
  EXPECT_EQ(balancer.state("a").fails, 0U);
}

TEST(PassiveHealth, ASingleEndpointIsAlwaysTried) {
  TestBalancer balancer(kPolicy, {{"a"}}, {.max_fails = 1, .fail_timeout_s = 10});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(balancer.PickAndFail(), "a");
  EXPECT_EQ(balancer.state("a").failures_total, 5U);
}

TEST(PassiveHealth, ASinglePrimaryWithABackupIsNotAlone) {
  TestBalancer balancer(kPolicy, {{"a"}, {.text = "x", .backup = true}},
                        {.max_fails = 1, .fail_timeout_s = 10});
  EXPECT_EQ(balancer.PickAndFail(), "a");
  EXPECT_EQ(balancer.PickOnce(), "x");
}

TEST(PassiveHealth, ZeroMaxFailsTurnsItOff) {
  TestBalancer balancer(kPolicy, {{"a"}, {"b"}}, {.max_fails = 0, .fail_timeout_s = 10});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(balancer.PickAndFail(), i % 2 == 0 ? "a" : "b");
}

TEST(PassiveHealth, WhenAllHaveFailedNobodyIsPicked) {
  TestBalancer balancer(kPolicy, {{"a"}, {"b"}}, {.max_fails = 1, .fail_timeout_s = 10});
  balancer.PickAndFail();
  balancer.PickAndFail();
  EXPECT_EQ(balancer.PickOnce(), "-");
}

TEST(PassiveHealth, AFailureLowersTheWeightWhichThenRecovers) {
  TestBalancer balancer(kPolicy, {{"a", 4}, {"b", 4}}, {.max_fails = 2, .fail_timeout_s = 10});
  EXPECT_EQ(balancer.PickAndFail(), "a");
  EXPECT_EQ(balancer.Sequence(5), "b b a b a");
}

TEST(PassiveHealth, WhatIsKnownOfAnEndpointOutlivesAConfiguration) {
  const TestEndpoint a{"a"}, b{"b"};
  const PassiveHealth health{.max_fails = 1, .fail_timeout_s = 10};
  TestBalancer before(kPolicy, {a, b}, health);
  EXPECT_EQ(before.PickAndFail(), "a");
  TestBalancer after(kPolicy, {a, b, {"c"}}, health, &before);
  EXPECT_EQ(after.Sequence(4).find('a'), std::string::npos);
}

}  // namespace
}  // namespace sluice::dataplane
