#include "dataplane/compile/state_table.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace sluice::dataplane {
namespace {

SocketAddress Address(const std::string& text) { return *SocketAddress::Parse(text); }

TEST(StateTable, AnEndpointOfOneUpstreamHasOneStateHoweverOftenItIsAskedFor) {
  StateTable table(1);
  const auto state = table.Endpoint("default/a", Address("127.0.0.1:80"));
  EXPECT_EQ(table.Endpoint("default/a", Address("127.0.0.1:80")), state);
  EXPECT_NE(table.Endpoint("default/b", Address("127.0.0.1:80")), state);
  EXPECT_NE(table.Endpoint("default/a", Address("127.0.0.1:81")), state);
}

TEST(StateTable, AStateThatASessionHoldsIsFoundAgainAndOneThatNobodyHoldsIsNew) {
  StateTable table(1);
  auto state = table.Endpoint("default/a", Address("127.0.0.1:80"));
  state->fails = 3;
  EXPECT_EQ(table.Endpoint("default/a", Address("127.0.0.1:80"))->fails, 3U);
  state = nullptr;
  EXPECT_EQ(table.Endpoint("default/a", Address("127.0.0.1:80"))->fails, 0U);
}

TEST(StateTable, SlotsOfLivingUpstreamsAreDifferent) {
  StateTable table(1);
  const auto a = table.Upstream("default/a");
  const auto b = table.Upstream("default/b");
  EXPECT_NE(a->slot, b->slot);
  EXPECT_EQ(table.Upstream("default/a"), a);
}

TEST(StateTable, NamesThatComeAndGoNeitherGrowTheTableNorTheSlots) {
  StateTable table(1);
  const auto kept = table.Upstream("default/kept");
  std::uint32_t highest = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::string name = "default/u" + std::to_string(i);
    highest = std::max(highest, table.Upstream(name)->slot);
    table.Endpoint(name, Address("127.0.0.1:80"));
    table.Listener(name);
    table.Slots(name);
    EXPECT_NE(table.Upstream(name)->slot, kept->slot);
  }
  EXPECT_LT(table.size(), 200U);
  EXPECT_LT(highest, 200U);
}

TEST(StateTable, WhatNobodyUsesIsForgottenLittleByLittle) {
  StateTable table(1);
  const auto name = [](int i) { return "default/u" + std::to_string(i); };
  std::vector<std::shared_ptr<EndpointState>> states;
  for (int i = 0; i < 1000; ++i) {
    states.push_back(table.Endpoint(name(i), Address("127.0.0.1:80")));
  }
  states.clear();
  const auto next = table.Endpoint("default/next", Address("127.0.0.1:80"));
  EXPECT_GT(table.size(), 900U);
  for (int i = 0; i < 1000; ++i) table.Endpoint(name(i % 10), Address("127.0.0.1:81"));
  EXPECT_LT(table.size(), 100U);
  EXPECT_EQ(table.Endpoint("default/next", Address("127.0.0.1:80")), next);
}

TEST(StateTable, TheSlotsOfALimitBelongToItsListenerAndKey) {
  StateTable table(1);
  const auto slots = table.KeySlots("default/a", "$remote_addr");
  EXPECT_EQ(table.KeySlots("default/a", "$remote_addr"), slots);
  EXPECT_NE(table.KeySlots("default/a", "$remote_port"), slots);
  EXPECT_NE(table.KeySlots("default/b", "$remote_addr"), slots);
}

}  // namespace
}  // namespace sluice::dataplane
