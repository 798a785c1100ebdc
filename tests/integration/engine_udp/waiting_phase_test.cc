// Phases that look at a flow's first datagrams or wait: what arrives meanwhile is kept, in order,
// and bounded.
#include <string>
#include <vector>

#include "common/base/limits.h"
#include "tests/support/engine_fixture.h"
#include "tests/support/eventually.h"
#include "tests/support/udp_peer.h"
#include "tests/support/waiting_phases.h"

namespace sluice::dataplane::test {
namespace {

using namespace std::chrono_literals;
using sluice::test::Eventually;
using C = ListenerCounters;

class UdpWaitingPhase : public UdpEngineTest {
 protected:
  ListenerOptions Newline(std::chrono::milliseconds timeout = 30s) {
    ListenerOptions options;
    options.add_steps = [this, timeout](PhaseChain& c) {
      c.push_back(UntilNewline(waits_, timeout));
    };
    return options;
  }
  ListenerOptions OnTimer(std::chrono::milliseconds delay,
                          std::chrono::milliseconds timeout = 30s) {
    ListenerOptions options;
    options.add_steps = [=, this](PhaseChain& c) {
      c.push_back(UntilTimer(waits_, delay, timeout));
    };
    return options;
  }
  std::uint64_t Received() {
    return CountListener("listener",
                         [](const C& c) -> const Counter& { return c.datagrams_received; });
  }
  std::uint64_t Dropped() {
    return CountListener("listener",
                         [](const C& c) -> const Counter& { return c.datagrams_dropped; });
  }

  Waits waits_;
  UdpPeer endpoint_;
  UdpPeer client_;
};

TEST_F(UdpWaitingPhase, AFirstDatagramThatSufficesIsForwardedAtOnce) {
  client_.SendTo(Proxy(endpoint_.address(), Newline()), "line\n");
  EXPECT_EQ(endpoint_.ReceiveBytes(), "line\n");
}

TEST_F(UdpWaitingPhase, DatagramsThatComeWhileBytesAreAwaitedAreForwardedInTheirOrder) {
  const SocketAddress proxy = Proxy(endpoint_.address(), Newline());
  client_.SendTo(proxy, "one");
  client_.SendTo(proxy, "two");
  EXPECT_TRUE(Eventually([&] { return waits_.asked.load() >= 3; }));
  EXPECT_TRUE(endpoint_.IsEmpty());
  client_.SendTo(proxy, "three\n");
  client_.SendTo(proxy, "four");
  for (const char* expected : {"one", "two", "three\n", "four"}) {
    ASSERT_EQ(endpoint_.ReceiveBytes(), expected);
  }
  EXPECT_EQ(Dropped(), 0U);
}

TEST_F(UdpWaitingPhase, DatagramsThatComeWhileATaskIsAwaitedAreForwardedInTheirOrder) {
  const SocketAddress proxy = Proxy(endpoint_.address(), OnTimer(50ms));
  std::vector<std::string> all;
  for (int i = 0; i < 20; ++i) all.push_back("datagram " + std::to_string(i));
  for (const std::string& datagram : all) client_.SendTo(proxy, datagram);
  for (const std::string& datagram : all) ASSERT_EQ(endpoint_.ReceiveBytes(), datagram);
  EXPECT_EQ(waits_.waited, 1);
  EXPECT_EQ(waits_.tasks, 0);
  EXPECT_EQ(Dropped(), 0U);
}

TEST_F(UdpWaitingPhase, DatagramsThatCameAsOneAreKeptAsWhatTheyWere) {
  const SocketAddress proxy = Proxy(endpoint_.address(), OnTimer(50ms));
  client_.SendSegmentsTo(proxy, "aaaabbbbcc", 4);
  for (const char* expected : {"aaaa", "bbbb", "cc"}) ASSERT_EQ(endpoint_.ReceiveBytes(), expected);
}

TEST_F(UdpWaitingPhase, MoreThanAFlowMayKeepIsDroppedAndCounted) {
  const SocketAddress proxy = Proxy(endpoint_.address(), OnTimer(1h));
  constexpr std::size_t kOver = 10;
  for (std::size_t i = 0; i < limits::kUdpWaitingDatagrams + kOver; ++i) client_.SendTo(proxy, "x");
  EXPECT_TRUE(Eventually([&] { return Received() == limits::kUdpWaitingDatagrams + kOver; }));
  EXPECT_TRUE(Eventually([&] { return Dropped() == kOver; })) << Dropped();
}

TEST_F(UdpWaitingPhase, MoreBytesThanAFlowMayKeepAreDroppedAndCounted) {
  const SocketAddress proxy = Proxy(endpoint_.address(), OnTimer(1h));
  const std::string big(30'000, 'x');
  for (int i = 0; i < 4; ++i) client_.SendTo(proxy, big);
  EXPECT_TRUE(Eventually([&] { return Dropped() == 2; })) << Dropped();
}

TEST_F(UdpWaitingPhase, AFlowThatIsFullBeforeItsPhaseHasEnoughIsClosed) {
  const SocketAddress proxy = Proxy(endpoint_.address(), Newline());
  for (std::size_t i = 0; i <= limits::kUdpWaitingDatagrams; ++i) client_.SendTo(proxy, "x");
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kPrereadFull);
}

TEST_F(UdpWaitingPhase, KeptBytesAreCountedOnce) {
  const SocketAddress proxy = Proxy(endpoint_.address(), OnTimer(50ms));
  client_.SendTo(proxy, "0123456789");
  ASSERT_EQ(endpoint_.ReceiveBytes(), "0123456789");
  EXPECT_EQ(
      CountListener("listener", [](const C& c) -> const Counter& { return c.bytes_received; }),
      10U);
}

TEST_F(UdpWaitingPhase, AFlowWhosePhaseTimesOutIsLoggedAndTheClientMayTryAgain) {
  const SocketAddress proxy = Proxy(endpoint_.address(), Newline(50ms));
  client_.SendTo(proxy, "no newline");
  const Record record = WaitForRecords(1)[0];
  EXPECT_EQ(record.reason, CloseReason::kPhaseTimeout);
  EXPECT_EQ(record.bytes_received, 10U);
  EXPECT_EQ(record.attempts, 0U);
  EXPECT_TRUE(Eventually([&] {
    client_.SendTo(proxy, "line\n");
    return !endpoint_.IsEmpty();
  }));
}

TEST_F(UdpWaitingPhase, AShutdownEndsFlowsThatWaitAndTheirTasks) {
  client_.SendTo(Proxy(endpoint_.address(), OnTimer(1h)), "x");
  EXPECT_TRUE(Eventually([&] { return waits_.tasks.load() == 1; }));
  engine_->Shutdown(0ms);
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kShutdown);
  EXPECT_EQ(waits_.tasks, 0);
}

TEST_F(UdpWaitingPhase, AFlowThatWaitsLivesThroughTheRemovalOfItsListener) {
  const SocketAddress proxy = Proxy(endpoint_.address(), Newline());
  client_.SendTo(proxy, "li");
  EXPECT_TRUE(Eventually([&] { return waits_.asked.load() >= 2; }));
  Publish({});
  client_.SendTo(proxy, "ne\n");
  EXPECT_EQ(endpoint_.ReceiveBytes(), "li");
  EXPECT_EQ(endpoint_.ReceiveBytes(), "ne\n");
}

TEST_F(UdpWaitingPhase, ThousandsOfFlowsWaitAtOnceAndGoOn) {
  const SocketAddress proxy = Proxy(endpoint_.address(), OnTimer(200ms));
  std::vector<UdpPeer> clients(2'000);
  for (UdpPeer& client : clients) client.SendTo(proxy, "x");
  for (std::size_t i = 0; i < clients.size(); ++i) ASSERT_EQ(endpoint_.ReceiveBytes(), "x") << i;
  EXPECT_EQ(waits_.tasks, 0);
  EXPECT_EQ(Dropped(), 0U);
}

}  // namespace
}  // namespace sluice::dataplane::test
