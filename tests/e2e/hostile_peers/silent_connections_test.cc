// Connections that say nothing, or hello and nothing more, at both ports of a control plane.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/e2e/hostile_peers/neighbour.h"
#include "tests/support/http2_frames.h"
#include "tests/support/tcp_client.h"

namespace sluice::test {
namespace {

using testing::HasSubstr;

std::vector<TcpClient> Connect(const std::string& address, std::size_t count,
                               const std::string& saying = "") {
  std::vector<TcpClient> clients;
  for (std::size_t i = 0; i < count; ++i) {
    clients.emplace_back(address);
    if (!saying.empty() && clients.back().connected()) clients.back().Send(saying);
  }
  return clients;
}

std::size_t Open(std::vector<TcpClient>& clients) {
  return static_cast<std::size_t>(std::ranges::count_if(clients, [](TcpClient& client) {
    char byte;
    const ssize_t got = ::recv(client.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return client.connected() && (got > 0 || (got < 0 && errno == EAGAIN));
  }));
}

bool MayOpen(std::size_t descriptors) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < descriptors) return false;
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

// The soft limit of descriptors is what most systems have. 2,000 were more than enough to end it.
TEST(SilentConnections, ManyOfThemKeepNobodyOut) {
  if (!MayOpen(10'000)) GTEST_SKIP() << "needs 10,000 descriptors";
  ControlPlane control_plane(ProcessOptions{.usual_open_files = 1024});
  Neighbour neighbour(control_plane);
  const auto quiet = neighbour.Measure(5);
  auto at_api = Connect(control_plane.api(), 2000);
  auto at_xds = Connect(control_plane.xds(), 2000);
  const auto attacked = neighbour.Measure(5);
  Report("4,000 silent connections", quiet, attacked);
  EXPECT_TRUE(Eventually([&] { return Open(at_api) + Open(at_xds) == 0; }))
      << "those that say nothing are closed in time";
  EXPECT_THAT(control_plane.process().Err(),
              HasSubstr("event=silent_connections_closed port=--xds count="));
}

// With few descriptors, and the attacker coming back whenever it is closed.
TEST(SilentConnections, ThatComeBackForEverKeepNobodyOutWhereDescriptorsAreFew) {
  ControlPlane control_plane(ProcessOptions{.max_open_files = 512});
  Neighbour neighbour(control_plane);
  const auto quiet = neighbour.Measure(5);
  std::atomic<bool> stop{false};
  std::atomic<std::size_t> connections{0};
  std::thread attacker([&] {
    std::vector<TcpClient> held;
    for (std::size_t i = 0; !stop; ++i) {
      TcpClient client(i % 2 == 0 ? control_plane.api() : control_plane.xds());
      ++connections;
      if (held.size() < 600) {
        held.push_back(std::move(client));
      } else {
        held[i % 600] = std::move(client);
      }
    }
  });
  EXPECT_TRUE(Eventually([&] { return connections > 2000; }));
  const auto attacked = neighbour.Measure(5);
  stop = true;
  attacker.join();
  Report("silent connections without end", quiet, attacked,
         fmt::format(" ({} connections)", connections.load()));
  EXPECT_THAT(control_plane.process().Err(), HasSubstr("others needed its place"));
}

// As many that say hello as one peer may have: it gets no more, is told so in the log, and gets
// some again as soon as they have gone.
TEST(IdleConnections, OverTheShareOfAPeerAreRefusedUntilThereIsRoomAgain) {
  ControlPlane control_plane(ProcessOptions{.max_open_files = 512});
  {
    auto idle = Connect(control_plane.xds(), 400, http2::Hello());
    EXPECT_TRUE(Eventually([&] { return Open(idle) < 200; }));
    EXPECT_THAT(Open(idle), testing::Gt(150U));
    EXPECT_THAT(
        control_plane.process().Err(),
        HasSubstr("event=connections_refused port=--xds count=1 last_peer=127.0.0.1 "
                  "last_reason=\"the peer has 179 connections, which is the most for one\""));
    TcpClient one_more(control_plane.xds());
    one_more.Send(http2::Hello());
    EXPECT_EQ(one_more.Receive(1), "");
  }
  Neighbour neighbour(control_plane);
  neighbour.Measure(1);
}

TEST(IdleConnections, WhatIsNotHttp2IsClosedAtOnce) {
  ControlPlane control_plane;
  for (const std::string& address : {control_plane.api(), control_plane.xds()}) {
    TcpClient client(address);
    client.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(client.Receive(1), "");
  }
  EXPECT_TRUE(Eventually([&] {
    return control_plane.process().Err().find("what it said is not HTTP/2") != std::string::npos;
  })) << control_plane.process().Err();
}

TEST(ManyNodes, FiveThousandConnectionsOfOneAddressFit) {
  if (!MayOpen(8'000)) GTEST_SKIP() << "needs 8,000 descriptors";
  ControlPlane control_plane(ProcessOptions{.usual_open_files = 1024});
  auto nodes = Connect(control_plane.xds(), 5000, http2::Hello());
  // Each has heard from the server.
  for (TcpClient& node : nodes) ASSERT_EQ(node.Receive(1).size(), 1U);
  Neighbour neighbour(control_plane);
  fmt::print("  beside 5,000 others: {}\n", neighbour.Measure(5).Text());
  EXPECT_EQ(Open(nodes), 5000U);
}

}  // namespace
}  // namespace sluice::test
