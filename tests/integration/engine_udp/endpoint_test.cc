// Endpoints that fail, are full or not there.
#include <vector>

#include "tests/support/engine_fixture.h"
#include "tests/support/eventually.h"
#include "tests/support/udp_peer.h"

namespace sluice::dataplane::test {
namespace {

using sluice::test::Eventually;
using std::chrono::milliseconds;
using C = ListenerCounters;

class UdpEndpoint : public UdpEngineTest {};

TEST_F(UdpEndpoint, ARefusalEndsTheFlowAndTheNextDatagramGoesElsewhere) {
  StartEngine();
  SocketAddress dead;
  {
    UdpPeer closed;
    dead = closed.address();
  }
  UdpEcho alive;
  const SocketAddress proxy = FreeAddress();
  Publish({Listener(proxy, Upstream("two", {dead, alive.address()}))});
  UdpPeer client;
  client.SendTo(proxy, "lost");
  const Record record = WaitForRecords(1)[0];
  EXPECT_EQ(record.reason, CloseReason::kUdpEndpointRefused);
  EXPECT_EQ(State(dead).failures_total, 1U);
  EXPECT_EQ(State(dead).fails, 1U);
  for (int i = 0; i < 5; ++i) {
    client.SendTo(proxy, "again");
    EXPECT_EQ(client.ReceiveBytes(), "again");
  }
  EXPECT_EQ(engine_->sessions().open, 1U);
}

TEST_F(UdpEndpoint, AnEndpointThatStopsIsNoticedAndItsClientsMoveOn) {
  StartEngine();
  UdpEcho other;
  UdpPeer first;
  const SocketAddress proxy = FreeAddress();
  Publish({Listener(proxy, Upstream("two", {first.address(), other.address()}))});
  UdpPeer client;
  client.SendTo(proxy, "hello");
  EXPECT_EQ(first.ReceiveBytes(), "hello");
  first.Close();
  EXPECT_TRUE(Eventually([&] {
    client.SendTo(proxy, "still there?");
    return State(first.address()).failures_total > 0;
  }));
  client.SendTo(proxy, "now");
  EXPECT_EQ(Eventually([&] { return client.ReceiveBytes() == "now"; }), true);
}

TEST_F(UdpEndpoint, AFloodToADeadEndpointIsNotARecordADatagram) {
  SocketAddress dead;
  {
    UdpPeer closed;
    dead = closed.address();
  }
  const SocketAddress proxy = Proxy(dead);
  // All of them wait when the worker begins to receive, so they come as batches.
  UdpPeer client;
  for (int i = 0; i < 300; ++i) client.SendTo(proxy, "flood");
  EXPECT_TRUE(Eventually([&] {
    return CountListener("listener",
                         [](const C& c) -> const Counter& { return c.datagrams_received; }) == 300;
  }));
  engine_->Shutdown(milliseconds(0));
  for (const Record& record : WaitForRecords(1)) {
    EXPECT_TRUE(record.reason == CloseReason::kUdpEndpointRefused ||
                record.reason == CloseReason::kShutdown);
  }
}

TEST_F(UdpEndpoint, WithoutAnEndpointTheDatagramIsDroppedAndTheReasonLogged) {
  StartEngine();
  const SocketAddress proxy = FreeAddress();
  Publish({Listener(proxy, Upstream("none", {}))});
  UdpPeer client;
  client.SendTo(proxy, "x");
  const Record record = WaitForRecords(1)[0];
  EXPECT_EQ(record.reason, CloseReason::kNoEndpoint);
  EXPECT_EQ(record.attempts, 0U);
  EXPECT_EQ(CountUpstream(
                "none", [](const UpstreamCounters& c) -> const Counter& { return c.no_endpoint; }),
            1U);
}

TEST_F(UdpEndpoint, MaxConnectionsHoldsAndAFlowThatEndsMakesRoom) {
  StartEngine();
  UdpPeer endpoint;
  const SocketAddress proxy = FreeAddress();
  Publish({Listener(proxy, Upstream("one", {endpoint.address()}, {.max_connections = {1}}),
                    {.udp = {.idle_timeout = milliseconds(60'000), .expected_responses = 1}})});
  UdpPeer a;
  UdpPeer b;
  a.SendTo(proxy, "a");
  const auto question = endpoint.Receive();
  ASSERT_TRUE(question.has_value());
  b.SendTo(proxy, "b");
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kNoEndpoint);
  endpoint.SendTo(question->from, "done");
  EXPECT_EQ(a.ReceiveBytes(), "done");
  // Refused clients are asked about again after a second.
  EXPECT_TRUE(Eventually([&] {
    b.SendTo(proxy, "b again");
    return !endpoint.IsEmpty();
  }));
}

TEST_F(UdpEndpoint, WhenDescriptorsRunOutDatagramsAreDroppedAndLaterFlowsWork) {
  UdpEcho echo;
  const SocketAddress proxy = Proxy(echo.address());
  UdpPeer before;
  before.SendTo(proxy, "before");
  EXPECT_EQ(before.ReceiveBytes(), "before");
  UdpPeer during;
  std::vector<UniqueFd> all;
  while (true) {
    UniqueFd one(::dup(during.fd()));
    if (!one) break;
    all.push_back(std::move(one));
  }
  during.SendTo(proxy, "no room");
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kResourcesExhausted);
  before.SendTo(proxy, "flows go on");
  EXPECT_EQ(before.ReceiveBytes(), "flows go on");
  all.clear();
  EXPECT_EQ(State(echo.address()).failures_total, 0U);
  EXPECT_TRUE(Eventually([&] {
    during.SendTo(proxy, "room");
    return engine_->sessions().open == 2;
  }));
  EXPECT_EQ(during.ReceiveBytes(), "room");
}

}  // namespace
}  // namespace sluice::dataplane::test
