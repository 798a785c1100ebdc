// Configurations come and go; flows and datagrams stay.
#include <fmt/format.h>

#include <atomic>
#include <vector>

#include "tests/support/engine_fixture.h"
#include "tests/support/eventually.h"
#include "tests/support/udp_peer.h"

namespace sluice::dataplane::test {
namespace {

using sluice::test::Eventually;
using std::chrono::milliseconds;
using C = ListenerCounters;

class UdpChange : public UdpEngineTest {
 protected:
  std::uint64_t Dropped() {
    return CountListener("listener",
                         [](const C& c) -> const Counter& { return c.datagrams_dropped; });
  }
};

TEST_F(UdpChange, AFlowKeepsItsEndpointAndNewFlowsUseTheNewOne) {
  StartEngine();
  UdpPeer old_endpoint;
  UdpPeer new_endpoint;
  const SocketAddress proxy = FreeAddress();
  Publish({Listener(proxy, Upstream("upstream", {old_endpoint.address()}))});
  UdpPeer client;
  client.SendTo(proxy, "1");
  const auto first = old_endpoint.Receive();
  ASSERT_TRUE(first.has_value());
  Publish({Listener(proxy, Upstream("upstream", {new_endpoint.address()}))});
  client.SendTo(proxy, "2");
  const auto second = old_endpoint.Receive();
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->bytes, "2");
  EXPECT_EQ(second->from, first->from);
  EXPECT_EQ(engine_->sessions().on_older_config, 1U);
  UdpPeer other;
  other.SendTo(proxy, "3");
  EXPECT_EQ(new_endpoint.ReceiveBytes(), "3");
}

TEST_F(UdpChange, ARemovedListenerServesItsFlowsAndNobodyElse) {
  StartEngine(2);
  UdpEcho echo;
  const SocketAddress proxy = FreeAddress();
  Publish({Listener(proxy, Upstream("upstream", {echo.address()}))});
  std::vector<UdpPeer> known(10);
  for (UdpPeer& client : known) {
    client.SendTo(proxy, "hello");
    EXPECT_EQ(client.ReceiveBytes(), "hello");
  }
  Publish({});
  const std::uint64_t before = Dropped();
  std::vector<UdpPeer> unknown(10);
  for (UdpPeer& client : unknown) client.SendTo(proxy, "too late");
  EXPECT_TRUE(Eventually([&] { return Dropped() == before + 10; }));
  for (UdpPeer& client : known) {
    client.SendTo(proxy, "go on");
    EXPECT_EQ(client.ReceiveBytes(), "go on");
  }
  EXPECT_EQ(engine_->sessions().open, 10U);
  for (UdpPeer& client : unknown) EXPECT_TRUE(client.IsEmpty());
}

TEST_F(UdpChange, TheAddressIsFreeOnceTheLastFlowHasEnded) {
  StartEngine(2);
  UdpEcho echo;
  const SocketAddress proxy = FreeAddress();
  Publish({Listener(proxy, Upstream("upstream", {echo.address()}),
                    {.udp = {.idle_timeout = milliseconds(100), .expected_responses = {}}})});
  UdpPeer client;
  client.SendTo(proxy, "x");
  EXPECT_EQ(client.ReceiveBytes(), "x");
  Publish({});
  WaitForRecords(1);
  EXPECT_TRUE(Eventually([&] {
    const UniqueFd probe(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_storage storage;
    const socklen_t length = proxy.ToSockaddr(storage);
    return ::bind(probe.get(), reinterpret_cast<sockaddr*>(&storage), length) == 0;
  }));
}

TEST_F(UdpChange, AListenerThatComesBackFindsItsFlows) {
  StartEngine(2);
  UdpPeer endpoint;
  const SocketAddress proxy = FreeAddress();
  const auto upstream = Upstream("upstream", {endpoint.address()});
  Publish({Listener(proxy, upstream)});
  UdpPeer client;
  client.SendTo(proxy, "1");
  const auto first = endpoint.Receive();
  ASSERT_TRUE(first.has_value());
  for (int i = 0; i < 20; ++i) {
    Publish({});
    EXPECT_TRUE(Publish({Listener(proxy, upstream)}).empty());
  }
  client.SendTo(proxy, "2");
  const auto second = endpoint.Receive();
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->from, first->from);
  std::vector<UdpPeer> others(8);
  for (UdpPeer& other : others) {
    other.SendTo(proxy, "hello");
    EXPECT_EQ(endpoint.ReceiveBytes(), "hello");
  }
  EXPECT_EQ(engine_->sessions().open, 9U);
}

TEST_F(UdpChange, NoDatagramIsLostWhileConfigurationsAreSwapped) {
  StartEngine(2);
  UdpEcho echo;
  const SocketAddress proxy = FreeAddress();
  Publish({Listener(proxy, Upstream("upstream", {echo.address()}))});
  std::atomic<bool> stop = false;
  std::atomic<int> exchanges = 0;
  std::atomic<int> lost = 0;
  std::vector<std::jthread> clients;
  for (int c = 0; c < 4; ++c) {
    clients.emplace_back([&, c] {
      // Now and then with a new socket, so that flows begin during swaps as well.
      for (int round = 0; !stop; ++round) {
        UdpPeer client;
        for (int i = 0; i < 20; ++i) {
          const std::string bytes = fmt::format("{}/{}/{}", c, round, i);
          client.SendTo(proxy, bytes);
          if (client.ReceiveBytes() != bytes) ++lost;
          ++exchanges;
        }
      }
    });
  }
  for (int i = 0; i < 100 || exchanges < 1000; ++i) {
    SocketSettings socket;
    socket.receive_buffer = 1 << (18 + i % 4);
    Publish({Listener(proxy, Upstream("upstream", {echo.address()}), {.socket = socket})});
  }
  stop = true;
  clients.clear();
  EXPECT_EQ(lost, 0);
  EXPECT_EQ(Dropped(), 0U);
}

}  // namespace
}  // namespace sluice::dataplane::test
