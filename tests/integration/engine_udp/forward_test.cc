// Datagrams reach the endpoint and the answers come back, whole and to the right client.
#include <set>

#include "tests/support/engine_fixture.h"
#include "tests/support/eventually.h"
#include "tests/support/udp_peer.h"

namespace sluice::dataplane::test {
namespace {

using sluice::test::Eventually;

class UdpForward : public UdpEngineTest {
 protected:
  // What `client` sends to `proxy` comes back from there.
  void ExpectEcho(UdpPeer& client, const SocketAddress& proxy, const std::string& bytes) {
    client.SendTo(proxy, bytes);
    const auto answer = client.Receive();
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->bytes, bytes);
    EXPECT_EQ(answer->from, proxy);
  }
};

TEST_F(UdpForward, ADatagramGoesToTheEndpointAndTheAnswerComesBack) {
  UdpPeer endpoint;
  const SocketAddress proxy = Proxy(endpoint.address());
  UdpPeer client;
  client.SendTo(proxy, "question");
  const auto question = endpoint.Receive();
  ASSERT_TRUE(question.has_value());
  EXPECT_EQ(question->bytes, "question");
  endpoint.SendTo(question->from, "answer");
  const auto answer = client.Receive();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->bytes, "answer");
  EXPECT_EQ(answer->from, proxy);
}

TEST_F(UdpForward, AClientKeepsItsFlowAndTwoClientsHaveTwo) {
  UdpPeer endpoint;
  const SocketAddress proxy = Proxy(endpoint.address());
  UdpPeer a;
  UdpPeer b;
  a.SendTo(proxy, "a1");
  const auto a1 = endpoint.Receive();
  b.SendTo(proxy, "b1");
  const auto b1 = endpoint.Receive();
  a.SendTo(proxy, "a2");
  const auto a2 = endpoint.Receive();
  ASSERT_TRUE(a1 && b1 && a2);
  EXPECT_EQ(a1->from, a2->from);
  EXPECT_NE(a1->from, b1->from);
  EXPECT_EQ(engine_->sessions().open, 2U);
  endpoint.SendTo(b1->from, "for b");
  endpoint.SendTo(a1->from, "for a");
  EXPECT_EQ(b.ReceiveBytes(), "for b");
  EXPECT_EQ(a.ReceiveBytes(), "for a");
}

TEST_F(UdpForward, TheLargestDatagramArrivesWholeInBothDirections) {
  UdpEcho echo;
  const SocketAddress proxy = Proxy(echo.address());
  UdpPeer client;
  for (const std::size_t size : {65507, 1, 65506, 1500, 65507}) {
    const std::string bytes = Pattern(size, static_cast<std::uint32_t>(size));
    client.SendTo(proxy, bytes);
    EXPECT_TRUE(client.ReceiveBytes() == bytes) << size;
  }
}

TEST_F(UdpForward, EmptyDatagramsAreForwardedBothWays) {
  UdpPeer endpoint;
  const SocketAddress proxy = Proxy(endpoint.address());
  UdpPeer client;
  client.SendTo(proxy, "");
  const auto first = endpoint.Receive();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->bytes, "");
  client.SendTo(proxy, "x");
  client.SendTo(proxy, "");
  EXPECT_EQ(endpoint.ReceiveBytes(), "x");
  EXPECT_EQ(endpoint.ReceiveBytes(), "");
  endpoint.SendTo(first->from, "");
  endpoint.SendTo(first->from, "y");
  EXPECT_EQ(client.ReceiveBytes(), "");
  EXPECT_EQ(client.ReceiveBytes(), "y");
}

TEST_F(UdpForward, DatagramsOfAClientStayInTheirOrder) {
  UdpEcho echo;
  const SocketAddress proxy = Proxy(echo.address());
  UdpPeer client;
  for (int i = 0; i < 300; ++i) client.SendTo(proxy, std::to_string(i));
  for (int i = 0; i < 300; ++i) ASSERT_EQ(client.ReceiveBytes(), std::to_string(i));
}

TEST_F(UdpForward, ServesIpv6AndCrossesFamilies) {
  StartEngine();
  UdpEcho four;
  UdpEcho six("[::1]:0");
  const SocketAddress to_four = FreeAddress("[::1]");
  const SocketAddress to_six = FreeAddress("127.0.0.1");
  const SocketAddress six_to_six = FreeAddress("[::1]");
  ASSERT_TRUE(Publish({Listener(to_four, Upstream("four", {four.address()}), {.name = "to-four"}),
                       Listener(to_six, Upstream("six", {six.address()}), {.name = "to-six"}),
                       Listener(six_to_six, Upstream("six", {six.address()}), {.name = "six"})})
                  .empty());
  UdpPeer client_six("[::1]:0");
  UdpPeer client_four;
  ExpectEcho(client_six, to_four, "6 to 4");
  ExpectEcho(client_four, to_six, "4 to 6");
  ExpectEcho(client_six, six_to_six, "6 to 6");
}

TEST_F(UdpForward, OnAWildcardTheAnswerComesFromTheAddressTheClientSentTo) {
  StartEngine();
  UdpEcho echo;
  const SocketAddress wildcard = FreeAddress("0.0.0.0");
  ASSERT_TRUE(Publish({Listener(wildcard, Upstream("echo", {echo.address()}))}).empty());
  UdpPeer client;
  for (const char* host : {"127.0.0.5", "127.0.0.6", "127.0.0.1"}) {
    ExpectEcho(client, Address(host + std::string(":") + std::to_string(wildcard.port())), host);
  }
  // Each address the client sends to is a flow of its own.
  EXPECT_EQ(engine_->sessions().open, 3U);
  engine_->Shutdown(std::chrono::milliseconds(0));
  std::set<std::string> locals;
  for (const Record& record : WaitForRecords(3)) locals.insert(record.local);
  const std::string port = ":" + std::to_string(wildcard.port());
  EXPECT_EQ(locals,
            (std::set<std::string>{"127.0.0.1" + port, "127.0.0.5" + port, "127.0.0.6" + port}));
}

TEST_F(UdpForward, OnAnIpv6WildcardToo) {
  StartEngine();
  UdpEcho echo;
  const SocketAddress wildcard = FreeAddress("[::]");
  ASSERT_TRUE(Publish({Listener(wildcard, Upstream("echo", {echo.address()}))}).empty());
  UdpPeer client("[::1]:0");
  ExpectEcho(client, Address("[::1]:" + std::to_string(wildcard.port())), "hello");
}

TEST_F(UdpForward, TheRecordAndTheCountersTellWhatWasForwarded) {
  UdpEcho echo;
  const SocketAddress proxy = Proxy(echo.address());
  UdpPeer client;
  for (const char* bytes : {"four", "and six"}) {
    client.SendTo(proxy, bytes);
    client.ReceiveBytes();
  }
  engine_->Shutdown(std::chrono::milliseconds(0));
  const Record record = WaitForRecords(1)[0];
  EXPECT_EQ(record.reason, CloseReason::kShutdown);
  EXPECT_EQ(record.bytes_received, 11U);
  EXPECT_EQ(record.bytes_sent, 11U);
  EXPECT_EQ(record.client, client.address().Text());
  EXPECT_EQ(record.local, proxy.Text());
  EXPECT_EQ(record.attempts, 1U);
  EXPECT_EQ(record.last_attempt.bytes_sent, 11U);
  EXPECT_EQ(record.last_attempt.bytes_received, 11U);
  EXPECT_GE(record.last_attempt.first_byte_time.count(), 0);
  EXPECT_GE(record.last_attempt.session_time.count(), 0);
  const auto listener = [&](auto select) { return CountListener("listener", select); };
  using C = ListenerCounters;
  EXPECT_EQ(listener([](const C& c) -> const Counter& { return c.datagrams_received; }), 2U);
  EXPECT_EQ(listener([](const C& c) -> const Counter& { return c.datagrams_sent; }), 2U);
  EXPECT_EQ(listener([](const C& c) -> const Counter& { return c.datagrams_dropped; }), 0U);
  EXPECT_EQ(listener([](const C& c) -> const Counter& { return c.bytes_received; }), 11U);
  EXPECT_EQ(listener([](const C& c) -> const Counter& { return c.bytes_sent; }), 11U);
}

}  // namespace
}  // namespace sluice::dataplane::test
