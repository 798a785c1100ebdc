#include "dataplane/serve/balancer_memories.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::dataplane {
namespace {

using Listeners = std::vector<std::shared_ptr<const ListenerConfig>>;

std::shared_ptr<UpstreamShared> Shared(const std::string& name, std::uint32_t slot) {
  return std::make_shared<UpstreamShared>(name, slot, 1);
}

// A form of the upstream: with the same three endpoints, built anew.
class Forms {
 public:
  explicit Forms(std::shared_ptr<UpstreamShared> shared) : shared_(std::move(shared)) {}
  std::shared_ptr<const UpstreamConfig> Make() const {
    std::vector<BalanceEndpoint> endpoints;
    for (std::size_t i = 0; i < states_.size(); ++i) {
      endpoints.push_back({.address = SocketAddress(),
                           .text = std::string(1, static_cast<char>('a' + i)),
                           .state = states_[i]});
    }
    auto config = std::make_shared<UpstreamConfig>();
    config->name = shared_->name;
    config->balancer = BuildBalancer(BalancePolicy::kRoundRobin, std::move(endpoints), {});
    config->shared = shared_;
    return config;
  }

 private:
  const std::shared_ptr<UpstreamShared> shared_;
  const std::vector<std::shared_ptr<EndpointState>> states_ = {std::make_shared<EndpointState>(),
                                                               std::make_shared<EndpointState>(),
                                                               std::make_shared<EndpointState>()};
};

std::shared_ptr<const ListenerConfig> ListenerOf(std::shared_ptr<const UpstreamConfig> upstream) {
  auto listener = std::make_shared<ListenerConfig>();
  listener->upstreams = {std::move(upstream)};
  return listener;
}

std::string Pick(BalancerMemories& memories, const UpstreamConfig& upstream) {
  Tries tries;
  const auto index = upstream.balancer->Pick({.key = {}, .now_s = 1}, memories.Of(upstream), tries);
  if (!index) return "-";
  upstream.balancer->Release(*index);
  return upstream.balancer->endpoints()[*index].text;
}

TEST(BalancerMemories, ANewFormOfAnUpstreamGoesOnWhereTheOldOneWas) {
  BalancerMemories memories;
  const Forms web(Shared("default/web", 0));
  const auto before = web.Make();
  memories.Follow({ListenerOf(before)});
  EXPECT_EQ(Pick(memories, *before), "a");
  const auto after = web.Make();
  memories.Follow({ListenerOf(after)});
  EXPECT_EQ(Pick(memories, *after), "b");
}

TEST(BalancerMemories, AChangeOfAnotherUpstreamChangesNothing) {
  BalancerMemories memories;
  const Forms other(Shared("default/other", 1));
  const auto web = Forms(Shared("default/web", 0)).Make();
  const auto listener = ListenerOf(web);
  memories.Follow({listener, ListenerOf(other.Make())});
  EXPECT_EQ(Pick(memories, *web), "a");
  memories.Follow({listener, ListenerOf(other.Make())});
  EXPECT_EQ(Pick(memories, *web), "b");
  memories.Follow({listener});
  EXPECT_EQ(Pick(memories, *web), "c");
}

TEST(BalancerMemories, ANewUpstreamInTheSlotOfAnotherStartsAnew) {
  BalancerMemories memories;
  const auto old = Forms(Shared("default/old", 0)).Make();
  memories.Follow({ListenerOf(old)});
  EXPECT_EQ(Pick(memories, *old), "a");
  const auto next = Forms(Shared("default/next", 0)).Make();
  memories.Follow({ListenerOf(next)});
  EXPECT_EQ(Pick(memories, *next), "a");
  EXPECT_EQ(Pick(memories, *next), "b");
}

TEST(BalancerMemories, WhileAListenerStaysBehindTheNewFormsFollowEachOther) {
  BalancerMemories memories;
  const Forms web(Shared("default/web", 0));
  const auto stays = ListenerOf(web.Make());
  memories.Follow({stays});
  const auto second = web.Make();
  memories.Follow({stays, ListenerOf(second)});
  EXPECT_EQ(Pick(memories, *second), "a");
  const auto third = web.Make();
  memories.Follow({stays, ListenerOf(third)});
  EXPECT_EQ(Pick(memories, *third), "b");
  EXPECT_EQ(Pick(memories, *stays->upstreams[0]), "a");
}

TEST(BalancerMemories, AFormThatIsNotInForceKnowsNothing) {
  BalancerMemories memories;
  const Forms web(Shared("default/web", 0));
  const auto before = web.Make();
  memories.Follow({ListenerOf(before)});
  EXPECT_EQ(Pick(memories, *before), "a");
  const auto after = web.Make();
  memories.Follow({ListenerOf(after)});
  EXPECT_EQ(Pick(memories, *before), "a");
  EXPECT_EQ(Pick(memories, *after), "b");
}

}  // namespace
}  // namespace sluice::dataplane
