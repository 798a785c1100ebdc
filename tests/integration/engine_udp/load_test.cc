// Many flows at once.
#include <fmt/format.h>

#include <future>
#include <string>
#include <vector>

#include "common/base/limits.h"
#include "dataplane/accept/listen_socket.h"
#include "dataplane/engine/worker.h"
#include "dataplane/relay/udp_workspace.h"
#include "tests/support/engine_fixture.h"
#include "tests/support/eventually.h"
#include "tests/support/udp_peer.h"

namespace sluice::dataplane::test {
namespace {

using C = ListenerCounters;

class UdpLoad : public UdpEngineTest {};

TEST_F(UdpLoad, BurstsOf256FlowsArriveWithoutLoss) {
  UdpEcho echo;
  const SocketAddress proxy = Proxy(echo.address());
  std::vector<UdpPeer> clients(256);
  constexpr int kBursts = 4;
  constexpr int kPerBurst = 8;
  for (int burst = 0; burst < kBursts; ++burst) {
    for (std::size_t c = 0; c < clients.size(); ++c) {
      for (int i = 0; i < kPerBurst; ++i) {
        clients[c].SendTo(proxy, fmt::format("{}/{}/{}", c, burst, i));
      }
    }
    for (std::size_t c = 0; c < clients.size(); ++c) {
      for (int i = 0; i < kPerBurst; ++i) {
        ASSERT_EQ(clients[c].ReceiveBytes(), fmt::format("{}/{}/{}", c, burst, i));
      }
    }
  }
  EXPECT_EQ(engine_->sessions().open, 256U);
  const auto dropped = [&](auto select) { return CountListener("listener", select); };
  EXPECT_EQ(dropped([](const C& c) -> const Counter& { return c.datagrams_dropped; }), 0U);
  EXPECT_EQ(dropped([](const C& c) -> const Counter& { return c.kernel_drops; }), 0U);
}

TEST_F(UdpLoad, WhatTheKernelDropsIsCounted) {
  UdpEcho echo;
  std::promise<void> go_on;
  const auto waiting = go_on.get_future().share();
  SocketSettings socket;
  socket.receive_buffer = 4096;
  const SocketAddress proxy =
      Proxy(echo.address(), {.socket = socket, .in_phases = [waiting] { waiting.wait(); }});
  // The first datagram holds the worker up while the others fill the socket.
  UdpPeer client;
  const std::string bytes(1000, 'x');
  for (int i = 0; i < 100; ++i) client.SendTo(proxy, bytes);
  go_on.set_value();
  EXPECT_TRUE(sluice::test::Eventually([&] {
    client.SendTo(proxy, bytes);
    return CountListener("listener", [](const C& c) -> const Counter& { return c.kernel_drops; }) >
           50;
  }));
}

TEST_F(UdpLoad, ListenersOfOneWorkerDoNotMixTheirClients) {
  StartEngine();
  UdpEcho one;
  UdpEcho two;
  const SocketAddress a = FreeAddress();
  const SocketAddress b = FreeAddress();
  Publish({Listener(a, Upstream("one", {one.address()}), {.name = "a"}),
           Listener(b, Upstream("two", {two.address()}), {.name = "b"})});
  std::vector<UdpPeer> clients(20);
  for (int round = 0; round < 10; ++round) {
    for (std::size_t c = 0; c < clients.size(); ++c) clients[c].SendTo(c % 2 ? a : b, "x");
    for (std::size_t c = 0; c < clients.size(); ++c) {
      const auto answer = clients[c].Receive();
      ASSERT_TRUE(answer.has_value());
      ASSERT_EQ(answer->from, c % 2 ? a : b);
    }
  }
}

// A worker of our own, as no test opens so many flows.
TEST_F(UdpLoad, AFlowBeyondTheBoundIsRefusedAndOneMoreIsServedWhenOneHasGone) {
  StartEngine();
  UdpPeer endpoint;
  const auto upstream = Upstream("upstream", {endpoint.address()});
  const auto listener = Listener(FreeAddress(), upstream);
  auto bound = OpenListenSocket(Protocol::kUdp, listener->address, listener->socket);
  ASSERT_TRUE(bound);
  const auto socket = std::make_shared<ListenSocket>(
      ListenSocket{Protocol::kUdp, listener->address, *std::move(bound)});
  Worker worker(*EventLoop::Open(), 0, 1);
  worker.Start();
  worker.loop().Post([&] {
    worker.Follow(
        {.upstreams = {upstream}, .removed_upstreams = {}, .assignments = {{{socket, listener}}}});
    worker.context().udp().flows = limits::kUdpFlows;
  });
  UdpPeer refused;
  refused.SendTo(listener->address, "one too many");
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kResourcesExhausted);
  std::promise<void> gone;
  worker.loop().Post([&] {
    --worker.context().udp().flows;
    gone.set_value();
  });
  gone.get_future().wait();
  UdpPeer served;
  served.SendTo(listener->address, "the last one");
  EXPECT_EQ(endpoint.ReceiveBytes(), "the last one");
  worker.StopAndJoin();
}

}  // namespace
}  // namespace sluice::dataplane::test
