#include <gtest/gtest.h>

#include <array>

#include "tests/unit/balance/balance_fixture.h"

namespace sluice::dataplane {
namespace {

// Answers of nginx 1.22 stream for servers 127.0.0.1:9001, :9002 and :9003.
struct Golden {
  const char* key;
  const char* ring_equal;          // hash consistent, weights 1,1,1
  const char* ring_weighted;       // weights 1,2,3
  const char* hash_equal;          // hash, weights 1,1,1
  const char* hash_weighted;       // weights 1,2,3
  const char* ring_third_down;     // hash consistent, 9003 down
  const char* hash_weighted_down;  // hash, weights 1,2,3, 9003 down
};
constexpr std::array<Golden, 9> kGolden = {{
    {"127.0.0.1", "9002", "9002", "9001", "9003", "9002", "9001"},
    {"10.0.0.1", "9003", "9003", "9002", "9003", "9001", "9002"},
    {"10.0.0.2", "9001", "9003", "9002", "9002", "9001", "9002"},
    {"192.0.2.1", "9002", "9002", "9003", "9003", "9002", "9002"},
    {"192.0.2.77", "9001", "9001", "9001", "9003", "9001", "9001"},
    {"198.51.100.23", "9003", "9003", "9001", "9001", "9001", "9001"},
    {"203.0.113.200", "9003", "9003", "9002", "9002", "9001", "9002"},
    {"foo", "9001", "9002", "9002", "9002", "9001", "9002"},
    {"bar", "9002", "9002", "9002", "9002", "9002", "9002"},
}};

std::vector<TestEndpoint> Servers(std::array<std::uint32_t, 3> weights, bool third_down) {
  return {{"127.0.0.1:9001", weights[0]},
          {"127.0.0.1:9002", weights[1]},
          {.text = "127.0.0.1:9003", .weight = weights[2], .drain = third_down}};
}

std::string Port(const std::string& text) { return text.substr(text.find(':') + 1); }

TEST(Hash, AnswersAsNginxForEqualWeights) {
  TestBalancer balancer(BalancePolicy::kHash, Servers({1, 1, 1}, false));
  for (const Golden& row : kGolden) {
    EXPECT_EQ(Port(balancer.PickOnce(row.key)), row.hash_equal) << row.key;
  }
}

TEST(Hash, AnswersAsNginxForWeights) {
  TestBalancer balancer(BalancePolicy::kHash, Servers({1, 2, 3}, false));
  for (const Golden& row : kGolden) {
    EXPECT_EQ(Port(balancer.PickOnce(row.key)), row.hash_weighted) << row.key;
  }
}

TEST(Hash, RehashesAsNginxWhenAnEndpointIsDown) {
  TestBalancer balancer(BalancePolicy::kHash, Servers({1, 2, 3}, true));
  for (const Golden& row : kGolden) {
    EXPECT_EQ(Port(balancer.PickOnce(row.key)), row.hash_weighted_down) << row.key;
  }
}

TEST(Hash, AnEmptyKeyGoesRound) {
  TestBalancer balancer(BalancePolicy::kHash, {{"a"}, {"b"}});
  EXPECT_EQ(balancer.Sequence(4), "a b a b");
}

TEST(Hash, ARetryGoesElsewhereUntilNobodyIsLeft) {
  TestBalancer balancer(BalancePolicy::kHash, {{"a"}, {"b"}, {"c"}});
  Tries tries;
  const std::string first = balancer.Pick(tries, "key");
  const std::string second = balancer.Pick(tries, "key");
  const std::string third = balancer.Pick(tries, "key");
  EXPECT_NE(first, second);
  EXPECT_NE(first, third);
  EXPECT_NE(second, third);
  EXPECT_EQ(balancer.Pick(tries, "key"), "-");
}

TEST(RingHash, AnswersAsNginxForEqualWeights) {
  TestBalancer balancer(BalancePolicy::kRingHash, Servers({1, 1, 1}, false));
  for (const Golden& row : kGolden) {
    EXPECT_EQ(Port(balancer.PickOnce(row.key)), row.ring_equal) << row.key;
  }
}

TEST(RingHash, AnswersAsNginxForWeights) {
  TestBalancer balancer(BalancePolicy::kRingHash, Servers({1, 2, 3}, false));
  for (const Golden& row : kGolden) {
    EXPECT_EQ(Port(balancer.PickOnce(row.key)), row.ring_weighted) << row.key;
  }
}

TEST(RingHash, AnswersAsNginxWhenAnEndpointIsDown) {
  TestBalancer balancer(BalancePolicy::kRingHash, Servers({1, 1, 1}, true));
  for (const Golden& row : kGolden) {
    EXPECT_EQ(Port(balancer.PickOnce(row.key)), row.ring_third_down) << row.key;
  }
}

}  // namespace
}  // namespace sluice::dataplane
