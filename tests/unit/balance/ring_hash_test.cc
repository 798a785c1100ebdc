#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "dataplane/balance/hash_ring.h"
#include "tests/unit/balance/balance_fixture.h"

namespace sluice::dataplane {
namespace {

bool HasPoint(const HashRing& ring, std::uint32_t hash, std::uint32_t server) {
  return std::any_of(ring.points().begin(), ring.points().end(), [&](const HashRing::Point& p) {
    return p.hash == hash && p.server == server;
  });
}

TEST(HashRing, HasThePointsOfNginx) {
  const HashRing ring({{"127.0.0.1:9001", 1}, {"127.0.0.1:9002", 1}, {"127.0.0.1:9003", 1}});
  ASSERT_EQ(ring.points().size(), 480U);
  EXPECT_EQ(ring.points().front().hash, 0x006fff97U);
  EXPECT_EQ(ring.points().front().server, 2U);
  EXPECT_EQ(ring.points().back().hash, 0xffeea1b4U);
  EXPECT_EQ(ring.points().back().server, 2U);
  for (const std::uint32_t hash : {0x70533e04U, 0x10571e62U, 0x1f895401U, 0xc413f1faU}) {
    EXPECT_TRUE(HasPoint(ring, hash, 0)) << std::hex << hash;
  }
}

TEST(HashRing, AUnixPathIsHashedWithoutItsPrefixAndPort) {
  const HashRing ring({{"unix:/a.sock", 1}});
  for (const std::uint32_t hash : {0xc9361c9bU, 0xddefcb4bU, 0x395dfb4cU}) {
    EXPECT_TRUE(HasPoint(ring, hash, 0)) << std::hex << hash;
  }
}

TEST(HashRing, PointsAreSortedAndEachHashStandsOnce) {
  std::vector<std::string> texts;
  for (int i = 0; i < 500; ++i) texts.push_back("10.0.0.1:" + std::to_string(1000 + i));
  std::vector<HashRing::Server> servers;
  for (const std::string& text : texts) servers.push_back({text, 2});
  const HashRing ring(servers);
  const auto& points = ring.points();
  for (std::size_t i = 1; i < points.size(); ++i) ASSERT_LT(points[i - 1].hash, points[i].hash);
}

std::map<std::uint32_t, std::size_t> PointsByServer(const HashRing& ring) {
  std::map<std::uint32_t, std::size_t> count;
  for (const auto& point : ring.points()) ++count[point.server];
  return count;
}

TEST(HashRing, WeightsThatAddUpToSixtyFourHaveAllPointsOfNginx) {
  const HashRing ring({{"10.0.0.1:80", 50}, {"10.0.0.2:80", 13}, {"10.0.0.3:80", 1}});
  EXPECT_EQ(PointsByServer(ring),
            (std::map<std::uint32_t, std::size_t>{{0, 8000}, {1, 2080}, {2, 160}}));
}

TEST(HashRing, HugeWeightsShareAsManyPointsAndKeepTheirProportion) {
  const std::vector<HashRing::Server> servers = {
      {"10.0.0.1:80", 60000}, {"10.0.0.2:80", 30000}, {"10.0.0.3:80", 1}};
  const HashRing ring(servers);
  EXPECT_LE(HashRing::CountPoints(servers), 64U * 160U + 1);
  auto count = PointsByServer(ring);
  EXPECT_NEAR(static_cast<double>(count[0]) / static_cast<double>(count[1]), 2.0, 0.02);
  EXPECT_EQ(count[2], 1U);
}

TEST(HashRing, ThePointsOfAHugeWeightAreAmongThoseOfNginx) {
  const HashRing exact({{"10.0.0.1:80", 40}, {"10.0.0.2:80", 24}});
  const HashRing scaled({{"10.0.0.1:80", 40000}, {"10.0.0.2:80", 24000}});
  ASSERT_EQ(scaled.points().size(), exact.points().size());
  for (std::size_t i = 0; i < exact.points().size(); ++i) {
    EXPECT_EQ(scaled.points()[i].hash, exact.points()[i].hash);
    EXPECT_EQ(scaled.points()[i].server, exact.points()[i].server);
  }
}

TEST(HashRing, ManyServersHaveAHundredAndSixtyPointsEachWhateverTheyAllWeigh) {
  std::vector<std::string> texts;
  for (int i = 0; i < 500; ++i) texts.push_back("10.0.0.1:" + std::to_string(1000 + i));
  std::vector<HashRing::Server> servers;
  for (const std::string& text : texts) servers.push_back({text, 65535});
  EXPECT_EQ(HashRing::CountPoints(servers), 500U * 160U);
  EXPECT_LE(HashRing(servers).points().capacity(), 500U * 160U);
}

TEST(RingHash, OneEndpointNeedsNoRing) {
  std::vector<BalanceEndpoint> one(1);
  one[0].text = "10.0.0.1:80";
  one[0].weight = 65535;
  EXPECT_EQ(RingPointsOf(one), 0U);
  TestBalancer balancer(BalancePolicy::kRingHash, {{"10.0.0.1:80", 65535}});
  EXPECT_EQ(balancer.PickOnce("key"), "10.0.0.1:80");
}

TEST(RingHash, ANewEndpointTakesOnlyItsOwnShareOfTheKeys) {
  std::vector<TestEndpoint> endpoints;
  for (int i = 0; i < 10; ++i) endpoints.push_back({"10.0.0." + std::to_string(i) + ":80"});
  TestBalancer before(BalancePolicy::kRingHash, endpoints);
  endpoints.insert(endpoints.begin() + 4, {"10.0.9.9:80"});
  TestBalancer after(BalancePolicy::kRingHash, endpoints);
  int moved = 0;
  for (int i = 0; i < 5000; ++i) {
    const std::string key = "key" + std::to_string(i);
    const std::string then = before.PickOnce(key);
    const std::string now = after.PickOnce(key);
    if (then == now) continue;
    ++moved;
    ASSERT_EQ(now, "10.0.9.9:80");
  }
  EXPECT_GT(moved, 5000 / 11 / 2);
  EXPECT_LT(moved, 5000 / 11 * 2);
}

TEST(RingHash, AFailedEndpointsKeysGoElsewhereAndComeBack) {
  TestBalancer balancer(BalancePolicy::kRingHash, {{"a:1"}, {"b:1"}, {"c:1"}},
                        {.max_fails = 1, .fail_timeout_s = 10});
  const std::string home = balancer.PickOnce("key");
  const std::uint32_t index = balancer.IndexOf(home);
  balancer.balancer().Failed(index, balancer.now_s, balancer.memory());
  const std::string elsewhere = balancer.PickOnce("key");
  EXPECT_NE(elsewhere, home);
  EXPECT_EQ(balancer.PickOnce("key"), elsewhere);
  balancer.now_s += 11;
  EXPECT_EQ(balancer.PickOnce("key"), home);
}

TEST(RingHash, EndpointsOfOneTextShareItsKeysByRoundRobin) {
  TestBalancer balancer(BalancePolicy::kRingHash, {{"a:1"}, {"a:1"}, {"a:1"}});
  std::map<std::uint32_t, int> picks;
  std::minstd_rand random;
  for (int i = 0; i < 9; ++i) {
    Tries tries;
    const PickInput input{.key = "key", .now_s = 1, .random = &random};
    const auto index = balancer.balancer().Pick(input, balancer.memory(), tries);
    ASSERT_TRUE(index.has_value());
    ++picks[*index];
  }
  EXPECT_EQ(picks, (std::map<std::uint32_t, int>{{0, 3}, {1, 3}, {2, 3}}));
}

TEST(RingHash, AnEmptyKeyGoesRound) {
  TestBalancer balancer(BalancePolicy::kRingHash, {{"a"}, {"b"}});
  EXPECT_EQ(balancer.Sequence(4), "a b a b");
}

TEST(RingHash, ARetryGoesElsewhereUntilNobodyIsLeft) {
  TestBalancer balancer(BalancePolicy::kRingHash, {{"a"}, {"b"}, {"c"}});
  Tries tries;
  std::map<std::string, int> picks;
  for (int i = 0; i < 3; ++i) ++picks[balancer.Pick(tries, "key")];
  EXPECT_EQ(picks, (std::map<std::string, int>{{"a", 1}, {"b", 1}, {"c", 1}}));
  EXPECT_EQ(balancer.Pick(tries, "key"), "-");
}

}  // namespace
}  // namespace sluice::dataplane
