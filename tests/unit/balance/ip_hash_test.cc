#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/unit/balance/balance_fixture.h"

namespace sluice::dataplane {
namespace {

constexpr auto kPolicy = BalancePolicy::kIpHash;

TEST(IpHash, FollowsTheArithmeticOfNginx) {
  TestBalancer balancer(kPolicy, {{"a"}, {"b"}, {"c"}, {"d"}, {"e"}});
  // The hash after the bytes 192, 0, 2 is 6255, after 10, 1, 2 2680, after 203, 0, 113 2592.
  EXPECT_EQ(balancer.PickFor("192.0.2.1:1000"), "a");
  EXPECT_EQ(balancer.PickFor("10.1.2.3:1000"), "a");
  EXPECT_EQ(balancer.PickFor("203.0.113.9:1000"), "c");
}

TEST(IpHash, ClientsOfOneIpv4NetworkShareAnEndpoint) {
  TestBalancer balancer(kPolicy, {{"a"}, {"b"}, {"c"}});
  for (int net = 0; net < 50; ++net) {
    const std::string prefix = "10.7." + std::to_string(net) + ".";
    const std::string first = balancer.PickFor(prefix + "1:5000");
    EXPECT_EQ(balancer.PickFor(prefix + "200:6000"), first);
  }
}

TEST(IpHash, AllBytesOfAnIpv6AddressCount) {
  TestBalancer balancer(kPolicy, {{"a"}, {"b"}, {"c"}});
  std::set<std::string> picks;
  for (int host = 1; host < 40; ++host) {
    picks.insert(balancer.PickFor("[2001:db8::" + std::to_string(host) + "]:80"));
  }
  EXPECT_EQ(picks, (std::set<std::string>{"a", "b", "c"}));
}

TEST(IpHash, NetworksSpreadByWeight) {
  TestBalancer balancer(kPolicy, {{"a", 1}, {"b", 3}});
  std::map<std::string, int> picks;
  for (int i = 0; i < 4000; ++i) {
    ++picks[balancer.PickFor("10." + std::to_string(i / 200) + "." + std::to_string(i % 200) +
                             ".1:80")];
  }
  EXPECT_NEAR(picks["a"], 1000, 150);
}

TEST(IpHash, ADrainedEndpointsClientsGoElsewhereAndAlwaysToTheSame) {
  const TestEndpoint a{"a"}, b{"b"}, c{"c"};
  TestBalancer all(kPolicy, {a, b, c});
  TestEndpoint draining = b;
  draining.drain = true;
  TestBalancer without(kPolicy, {a, draining, c});
  for (int net = 0; net < 100; ++net) {
    const std::string client = "10.9." + std::to_string(net) + ".1:80";
    const std::string before = all.PickFor(client);
    const std::string after = without.PickFor(client);
    EXPECT_NE(after, "b");
    EXPECT_EQ(after, without.PickFor(client));
    if (before != "b") {
      EXPECT_EQ(after, before);
    }
  }
}

}  // namespace
}  // namespace sluice::dataplane
