#include "dataplane/serve/upstream_table.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::dataplane {
namespace {

std::shared_ptr<UpstreamShared> Shared(const std::string& name, std::uint32_t slot) {
  return std::make_shared<UpstreamShared>(name, slot, 1);
}

// Forms of an upstream: with the same three endpoints, built anew.
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
    config->balancer = std::make_unique<const Balancer>(BalancePolicy::kRoundRobin,
                                                        std::move(endpoints), PassiveHealth{});
    config->shared = shared_;
    return config;
  }
  const std::shared_ptr<UpstreamShared>& shared() const { return shared_; }

 private:
  const std::shared_ptr<UpstreamShared> shared_;
  const std::vector<std::shared_ptr<EndpointState>> states_ = {std::make_shared<EndpointState>(),
                                                               std::make_shared<EndpointState>(),
                                                               std::make_shared<EndpointState>()};
};

std::string Pick(WorkerUpstream& upstream) {
  Tries tries;
  const Balancer& balancer = *upstream.config->balancer;
  const auto index = balancer.Pick({.key = {}, .now_s = 1}, upstream.memory, tries);
  if (!index) return "-";
  balancer.Release(*index);
  return balancer.endpoints()[*index].text;
}
std::string Pick(const WorkerListener::Upstreams& upstreams) {
  return Pick(*upstreams.at(0)->in_force);
}

TEST(UpstreamTable, AListenerThatRefersToAnUpstreamFindsEachNewFormWithoutBeingTouched) {
  UpstreamTable table(0);
  const Forms web(Shared("default/web", 0));
  const auto before = web.Make();
  table.Put(before);
  const auto listener = table.Find({web.shared()});
  EXPECT_EQ(listener[0]->in_force->config, before);
  const auto after = web.Make();
  table.Put(after);
  EXPECT_EQ(listener[0]->in_force->config, after);
}

TEST(UpstreamTable, ANewFormOfAnUpstreamGoesOnWhereTheOldOneWas) {
  UpstreamTable table(0);
  const Forms web(Shared("default/web", 0));
  table.Put(web.Make());
  const auto listener = table.Find({web.shared()});
  EXPECT_EQ(Pick(listener), "a");
  table.Put(web.Make());
  EXPECT_EQ(Pick(listener), "b");
}

TEST(UpstreamTable, AChangeOfAnotherUpstreamChangesNothing) {
  UpstreamTable table(0);
  const Forms web(Shared("default/web", 0));
  const Forms other(Shared("default/other", 1));
  table.Put(web.Make());
  table.Put(other.Make());
  const auto listener = table.Find({web.shared(), other.shared()});
  const auto before = listener[0]->in_force;
  table.Put(other.Make());
  table.Remove(1);
  EXPECT_EQ(listener[0]->in_force, before);
}

TEST(UpstreamTable, ASessionGoesOnWithTheFormItPinned) {
  UpstreamTable table(0);
  const Forms web(Shared("default/web", 0));
  table.Put(web.Make());
  const auto listener = table.Find({web.shared()});
  const auto pinned = listener[0]->in_force;
  EXPECT_EQ(Pick(*pinned), "a");
  table.Put(web.Make());
  EXPECT_EQ(Pick(*pinned), "b") << "with the memory of its form";
  EXPECT_EQ(Pick(listener), "b") << "which the new one had a copy of";
}

TEST(UpstreamTable, ANewUpstreamInTheSlotOfAnotherStartsAnew) {
  UpstreamTable table(0);
  const Forms old(Shared("default/old", 0));
  table.Put(old.Make());
  const auto listener = table.Find({old.shared()});
  EXPECT_EQ(Pick(listener), "a");
  const Forms next(Shared("default/next", 0));
  table.Put(next.Make());
  EXPECT_EQ(Pick(table.Find({next.shared()})), "a");
  EXPECT_EQ(Pick(listener), "b") << "a listener that is still held keeps what it referred to";
}

TEST(UpstreamTable, AListenerThatIsHeldKeepsARemovedUpstreamAndFollowsItWhenItComesBack) {
  UpstreamTable table(0);
  const Forms web(Shared("default/web", 0));
  const auto last = web.Make();
  table.Put(last);
  const auto listener = table.Find({web.shared()});
  table.Remove(0);
  EXPECT_EQ(listener[0]->in_force->config, last);
  const auto back = web.Make();
  table.Put(back);
  EXPECT_EQ(listener[0]->in_force->config, back);
}

}  // namespace
}  // namespace sluice::dataplane
