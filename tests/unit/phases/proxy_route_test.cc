#include "dataplane/phases/proxy_route.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/support/session_from.h"

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
  static std::uint32_t Chosen(const PhaseHandler& handler, std::string_view ip,
                              std::uint64_t id = 1) {
    SessionState session = SessionFrom(ip, id);
    handler.Run(session, {});
    return session.route;
  }
  // How often each upstream is chosen in so many sessions.
  static std::map<std::uint32_t, int> Draw(const PhaseHandler& handler, int sessions) {
    std::map<std::uint32_t, int> chosen;
    for (int id = 1; id <= sessions; ++id) {
      ++chosen[Chosen(handler, "192.0.2.1", static_cast<std::uint64_t>(id))];
    }
    return chosen;
  }
  static constexpr std::uint32_t kA = 0, kB = 1, kC = 2;
};

TEST_F(ProxyRouteTest, TheFirstRouteThatFitsChoosesTheUpstream) {
  const auto handler = MakeProxyRoute({To({{kA}}, {"10.1.0.0/16"}), To({{kB}}, {"10.0.0.0/8"}),
                                       To({{kC}}), To({{kA}}, {"192.0.2.0/24"})});
  EXPECT_EQ(Chosen(*handler, "10.1.2.3"), kA);
  EXPECT_EQ(Chosen(*handler, "10.2.2.3"), kB);
  EXPECT_EQ(Chosen(*handler, "2001:db8::1"), kC);
  EXPECT_EQ(Chosen(*handler, "192.0.2.1"), kC) << "a route after one that fits all";
  EXPECT_EQ(Chosen(*handler, "unix:"), kC);
}

TEST_F(ProxyRouteTest, AWideRouteBeforeANarrowOneHidesIt) {
  const auto handler = MakeProxyRoute({To({{kA}}, {"10.0.0.0/8"}), To({{kB}}, {"10.1.0.0/16"})});
  EXPECT_EQ(Chosen(*handler, "10.1.2.3"), kA);
}

TEST_F(ProxyRouteTest, ASessionThatNoRouteFitsIsClosed) {
  const auto handler = MakeProxyRoute({To({{kA}}, {"10.0.0.0/8", "::/0"})});
  SessionState session = SessionFrom("192.0.2.1");
  EXPECT_EQ(handler->Run(session, {}).reason(), CloseReason::kNoRoute);
  EXPECT_EQ(session.route, SessionState::kNoRoute);
}

TEST_F(ProxyRouteTest, WithoutRoutesEverySessionIsClosed) {
  SessionState session = SessionFrom("192.0.2.1");
  EXPECT_EQ(MakeProxyRoute({})->Run(session, {}).reason(), CloseReason::kNoRoute);
}

TEST_F(ProxyRouteTest, TargetsAreChosenInProportionToTheirWeights) {
  constexpr int kSessions = 20'000;
  const auto chosen = Draw(*MakeProxyRoute({To({{kA, 1}, {kB, 2}, {kC, 5}})}), kSessions);
  // Six standard deviations: 0.02.
  EXPECT_NEAR(chosen.at(kA) / double{kSessions}, 1 / 8.0, 0.02);
  EXPECT_NEAR(chosen.at(kB) / double{kSessions}, 2 / 8.0, 0.02);
  EXPECT_NEAR(chosen.at(kC) / double{kSessions}, 5 / 8.0, 0.02);
}

TEST_F(ProxyRouteTest, ATargetOfWeightZeroIsNeverChosen) {
  const auto chosen = Draw(*MakeProxyRoute({To({{kA, 0}, {kB, 1}, {kC, 0}})}), 1'000);
  EXPECT_EQ(chosen.size(), 1U);
  EXPECT_EQ(chosen.begin()->first, kB);
}

TEST_F(ProxyRouteTest, SuccessiveSessionsAreIndependentDraws) {
  constexpr int kSessions = 20'000;
  const auto handler = MakeProxyRoute({To({{kA}, {kB}})});
  int changes = 0;
  for (std::uint64_t id = 1; id < kSessions; ++id) {
    changes += Chosen(*handler, "192.0.2.1", id) != Chosen(*handler, "192.0.2.1", id + 1) ? 1 : 0;
  }
  EXPECT_NEAR(changes / double{kSessions}, 0.5, 0.025);
}

}  // namespace
}  // namespace sluice::dataplane::test
