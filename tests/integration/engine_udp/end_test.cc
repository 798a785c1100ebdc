// When and why a flow ends.
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/support/engine_fixture.h"
#include "tests/support/eventually.h"
#include "tests/support/udp_peer.h"

namespace sluice::dataplane::test {
namespace {

using sluice::test::Eventually;
using std::chrono::milliseconds;
using C = ListenerCounters;

constexpr UdpSettings kExpectOne{.idle_timeout = milliseconds(60'000), .expected_responses = 1};

class UdpEnd : public UdpEngineTest {
 protected:
  void ExpectEndpoint(const SocketAddress& endpoint, std::uint64_t failures) {
    EXPECT_EQ(State(endpoint).failures_total, failures);
  }
};

TEST_F(UdpEnd, AFlowWithoutTrafficEndsByIdleAndTheEndpointHasNotFailed) {
  UdpEcho echo;
  const SocketAddress proxy =
      Proxy(echo.address(), {.udp = {.idle_timeout = milliseconds(50), .expected_responses = {}}});
  UdpPeer client;
  client.SendTo(proxy, "x");
  EXPECT_EQ(client.ReceiveBytes(), "x");
  const Record record = WaitForRecords(1)[0];
  EXPECT_EQ(record.reason, CloseReason::kUdpIdle);
  ExpectEndpoint(echo.address(), 0);
  EXPECT_EQ(engine_->sessions().open, 0U);
}

TEST_F(UdpEnd, TrafficInEitherDirectionPutsIdleOff) {
  UdpPeer endpoint;
  const SocketAddress proxy = Proxy(
      endpoint.address(), {.udp = {.idle_timeout = milliseconds(400), .expected_responses = {}}});
  UdpPeer client;
  client.SendTo(proxy, "x");
  const auto question = endpoint.Receive();
  ASSERT_TRUE(question.has_value());
  const auto start = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - start < milliseconds(1200)) {
    endpoint.SendTo(question->from, "still here");
    ASSERT_EQ(client.ReceiveBytes(), "still here");
  }
  EXPECT_EQ(engine_->sessions().open, 1U);
}

TEST_F(UdpEnd, TheExpectedResponseEndsTheFlow) {
  UdpEcho echo;
  const SocketAddress proxy = Proxy(echo.address(), {.udp = kExpectOne});
  UdpPeer client;
  for (std::size_t i = 1; i <= 3; ++i) {
    client.SendTo(proxy, "x");
    EXPECT_EQ(client.ReceiveBytes(), "x");
    EXPECT_EQ(WaitForRecords(i).back().reason, CloseReason::kUdpResponsesComplete);
  }
  ExpectEndpoint(echo.address(), 0);
}

TEST_F(UdpEnd, ResponsesAreExpectedForEachRequest) {
  UdpPeer endpoint;
  const SocketAddress proxy = Proxy(
      endpoint.address(), {.udp = {.idle_timeout = milliseconds(60'000), .expected_responses = 2}});
  UdpPeer client;
  client.SendTo(proxy, "a");
  const auto a = endpoint.Receive();
  client.SendTo(proxy, "b");
  const auto b = endpoint.Receive();
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a->from, b->from);
  for (const char* answer : {"1", "2", "3"}) {
    endpoint.SendTo(a->from, answer);
    EXPECT_EQ(client.ReceiveBytes(), answer);
  }
  EXPECT_EQ(engine_->sessions().open, 1U);
  endpoint.SendTo(a->from, "4");
  EXPECT_EQ(client.ReceiveBytes(), "4");
  const Record record = WaitForRecords(1)[0];
  EXPECT_EQ(record.reason, CloseReason::kUdpResponsesComplete);
  EXPECT_EQ(record.bytes_sent, 4U);
}

TEST_F(UdpEnd, WithNoResponseExpectedTheFlowEndsOnceTheDatagramIsSent) {
  UdpPeer endpoint;
  const SocketAddress proxy = Proxy(
      endpoint.address(), {.udp = {.idle_timeout = milliseconds(60'000), .expected_responses = 0}});
  UdpPeer client;
  client.SendTo(proxy, "log line");
  EXPECT_EQ(endpoint.ReceiveBytes(), "log line");
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kUdpResponsesComplete);
}

TEST_F(UdpEnd, AnEndpointThatDoesNotAnswerHasFailed) {
  UdpPeer endpoint;
  const SocketAddress proxy = Proxy(
      endpoint.address(), {.udp = {.idle_timeout = milliseconds(50), .expected_responses = 1}});
  UdpPeer client;
  client.SendTo(proxy, "anybody there?");
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kUdpNoResponse);
  ExpectEndpoint(endpoint.address(), 1);
}

TEST_F(UdpEnd, AfterMaxRequestsTheNextDatagramBeginsAFlowAndTheOldOneStillAnswers) {
  UdpPeer endpoint;
  const SocketAddress proxy = Proxy(
      endpoint.address(),
      {.udp = {.idle_timeout = milliseconds(1000), .expected_responses = {}, .max_requests = 2}});
  UdpPeer client;
  std::vector<SocketAddress> from;
  for (const char* bytes : {"1", "2", "3"}) {
    client.SendTo(proxy, bytes);
    const auto datagram = endpoint.Receive();
    ASSERT_TRUE(datagram.has_value());
    from.push_back(datagram->from);
  }
  EXPECT_EQ(from[0], from[1]);
  EXPECT_NE(from[1], from[2]);
  endpoint.SendTo(from[0], "late answer");
  EXPECT_EQ(client.ReceiveBytes(), "late answer");
  endpoint.SendTo(from[2], "answer");
  EXPECT_EQ(client.ReceiveBytes(), "answer");
  std::multiset<CloseReason> reasons;
  for (const Record& record : WaitForRecords(2)) reasons.insert(record.reason);
  EXPECT_EQ(reasons,
            (std::multiset<CloseReason>{CloseReason::kUdpIdle, CloseReason::kUdpRequestsComplete}));
}

TEST_F(UdpEnd, MaxRequestsHoldsInTheMiddleOfABurst) {
  UdpPeer endpoint;
  const SocketAddress proxy = Proxy(
      endpoint.address(),
      {.udp = {.idle_timeout = milliseconds(60'000), .expected_responses = {}, .max_requests = 3}});
  UdpPeer client;
  for (int i = 0; i < 30; ++i) client.SendTo(proxy, std::to_string(i));
  std::map<SocketAddress, int> counts;
  for (int i = 0; i < 30; ++i) {
    const auto datagram = endpoint.Receive();
    ASSERT_TRUE(datagram.has_value());
    ++counts[datagram->from];
  }
  EXPECT_EQ(counts.size(), 10U);
  for (const auto& [from, count] : counts) EXPECT_EQ(count, 3);
}

TEST_F(UdpEnd, TheSessionTimeoutEndsABusyFlow) {
  UdpEcho echo;
  const SocketAddress proxy = Proxy(echo.address(), {.udp = {.idle_timeout = milliseconds(60'000),
                                                             .session_timeout = milliseconds(100),
                                                             .expected_responses = {}}});
  UdpPeer client;
  EXPECT_TRUE(Eventually([&] {
    client.SendTo(proxy, "x");
    client.ReceiveBytes();
    return CountListener("listener", [](const C& c) -> const Counter& {
             return c.sessions_closed[static_cast<std::size_t>(CloseReason::kSessionTimeout)];
           }) > 0;
  }));
  ExpectEndpoint(echo.address(), 0);
}

TEST_F(UdpEnd, ShutdownEndsFlowsAndSaysSo) {
  UdpEcho echo;
  const SocketAddress proxy = Proxy(echo.address());
  std::vector<UdpPeer> clients(5);
  for (UdpPeer& client : clients) {
    client.SendTo(proxy, "x");
    client.ReceiveBytes();
  }
  engine_->Shutdown(milliseconds(10));
  for (const Record& record : WaitForRecords(5)) EXPECT_EQ(record.reason, CloseReason::kShutdown);
}

TEST_F(UdpEnd, ADeniedClientIsOneRecordNotOneADatagram) {
  UdpPeer endpoint;
  const SocketAddress proxy = Proxy(endpoint.address(), {.refuse = CloseReason::kAccessDenied});
  UdpPeer client;
  for (int i = 0; i < 200; ++i) client.SendTo(proxy, "let me in");
  EXPECT_TRUE(Eventually([&] {
    return CountListener("listener",
                         [](const C& c) -> const Counter& { return c.datagrams_dropped; }) == 200;
  }));
  const auto records = WaitForRecords(1);
  EXPECT_EQ(records[0].reason, CloseReason::kAccessDenied);
  EXPECT_LE(records.size(), 10U);  // One a second.
  EXPECT_TRUE(endpoint.IsEmpty());
}

TEST_F(UdpEnd, ADeniedClientIsAskedAboutAgainByTheNextConfiguration) {
  StartEngine();
  UdpEcho echo;
  const SocketAddress address = FreeAddress();
  const auto upstream = Upstream("echo", {echo.address()});
  Publish({Listener(address, upstream, {.refuse = CloseReason::kAccessDenied})});
  UdpPeer client;
  client.SendTo(address, "denied");
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kAccessDenied);
  Publish({Listener(address, upstream)});
  client.SendTo(address, "allowed");
  EXPECT_EQ(client.ReceiveBytes(), "allowed");
}

}  // namespace
}  // namespace sluice::dataplane::test
