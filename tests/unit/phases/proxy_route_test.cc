#include "dataplane/phases/proxy_route.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/unit/phases/session_from.h"

namespace sluice::dataplane::test {
namespace {

class ProxyRouteTest : public ::testing::Test {
 protected:
  ProxyRoute To(const std::vector<RouteTarget>& targets,
                const std::vector<std::string>& sources = {}) {
    ProxyRoute route;
    route.targets = targets;
    for (const std::string& source : sources) route.sources.push_back(*Cidr::Parse(source));
    return route;
  }
  static const UpstreamConfig* Chosen(const PhaseHandler& handler, std::string_view ip,
                                      std::uint64_t id = 1) {
    SessionState session = SessionFrom(ip, id);
    handler.Run(session);
    return session.upstream;
  }
  // How often each upstream is chosen in so many sessions.
  static std::map<const UpstreamConfig*, int> Draw(const PhaseHandler& handler, int sessions) {
    std::map<const UpstreamConfig*, int> chosen;
    for (int id = 1; id <= sessions; ++id) {
      ++chosen[Chosen(handler, "192.0.2.1", static_cast<std::uint64_t>(id))];
    }
    return chosen;
  }
  UpstreamConfig a_, b_, c_;
};

TEST_F(ProxyRouteTest, TheFirstRouteThatFitsChoosesTheUpstream) {
  const auto handler = MakeProxyRoute({To({{&a_}}, {"10.1.0.0/16"}), To({{&b_}}, {"10.0.0.0/8"}),
                                       To({{&c_}}), To({{&a_}}, {"192.0.2.0/24"})});
  EXPECT_EQ(Chosen(*handler, "10.1.2.3"), &a_);
  EXPECT_EQ(Chosen(*handler, "10.2.2.3"), &b_);
  EXPECT_EQ(Chosen(*handler, "2001:db8::1"), &c_);
  EXPECT_EQ(Chosen(*handler, "192.0.2.1"), &c_) << "a route after one that fits all";
  EXPECT_EQ(Chosen(*handler, "unix:"), &c_);
}

TEST_F(ProxyRouteTest, AWideRouteBeforeANarrowOneHidesIt) {
  const auto handler = MakeProxyRoute({To({{&a_}}, {"10.0.0.0/8"}), To({{&b_}}, {"10.1.0.0/16"})});
  EXPECT_EQ(Chosen(*handler, "10.1.2.3"), &a_);
}

TEST_F(ProxyRouteTest, ASessionThatNoRouteFitsIsClosed) {
  const auto handler = MakeProxyRoute({To({{&a_}}, {"10.0.0.0/8", "::/0"})});
  SessionState session = SessionFrom("192.0.2.1");
  EXPECT_EQ(handler->Run(session).reason(), CloseReason::kNoRoute);
  EXPECT_EQ(session.upstream, nullptr);
}

TEST_F(ProxyRouteTest, WithoutRoutesEverySessionIsClosed) {
  SessionState session = SessionFrom("192.0.2.1");
  EXPECT_EQ(MakeProxyRoute({})->Run(session).reason(), CloseReason::kNoRoute);
}

TEST_F(ProxyRouteTest, TargetsAreChosenInProportionToTheirWeights) {
  constexpr int kSessions = 20'000;
  const auto chosen = Draw(*MakeProxyRoute({To({{&a_, 1}, {&b_, 2}, {&c_, 5}})}), kSessions);
  // Six standard deviations: 0.02.
  EXPECT_NEAR(chosen.at(&a_) / double{kSessions}, 1 / 8.0, 0.02);
  EXPECT_NEAR(chosen.at(&b_) / double{kSessions}, 2 / 8.0, 0.02);
  EXPECT_NEAR(chosen.at(&c_) / double{kSessions}, 5 / 8.0, 0.02);
}

TEST_F(ProxyRouteTest, ATargetOfWeightZeroIsNeverChosen) {
  const auto chosen = Draw(*MakeProxyRoute({To({{&a_, 0}, {&b_, 1}, {&c_, 0}})}), 1'000);
  EXPECT_EQ(chosen.size(), 1U);
  EXPECT_EQ(chosen.begin()->first, &b_);
}

TEST_F(ProxyRouteTest, SuccessiveSessionsAreIndependentDraws) {
  constexpr int kSessions = 20'000;
  const auto handler = MakeProxyRoute({To({{&a_}, {&b_}})});
  int changes = 0;
  for (std::uint64_t id = 1; id < kSessions; ++id) {
    changes += Chosen(*handler, "192.0.2.1", id) != Chosen(*handler, "192.0.2.1", id + 1) ? 1 : 0;
  }
  EXPECT_NEAR(changes / double{kSessions}, 0.5, 0.025);
}

}  // namespace
}  // namespace sluice::dataplane::test
