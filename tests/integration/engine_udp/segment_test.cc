// Datagrams that come as one piece (GSO) leave as one piece.
#include <netinet/udp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "dataplane/relay/udp_forward.h"
#include "tests/support/engine_fixture.h"
#include "tests/support/udp_peer.h"

namespace sluice::dataplane::test {
namespace {

// Datagrams as a batch may have them: runs of one size, with what ends or breaks such a run.
std::vector<std::string> MixedDatagrams() {
  std::vector<std::string> datagrams;
  char fill = 'a';
  for (const std::size_t size :
       {100, 100, 100, 40, 100, 100, 0, 0, 1, 1, 1400, 1400, 1401, 1401, 7, 8, 9, 9, 9000}) {
    datagrams.emplace_back(size, fill++);
  }
  return datagrams;
}
std::vector<UdpRun> RunsOf(std::vector<std::string>& datagrams) {
  std::vector<UdpRun> runs;
  for (std::string& bytes : datagrams) runs.push_back({.data = bytes.data(), .size = bytes.size()});
  return runs;
}

class UdpSegment : public UdpEngineTest {
 protected:
  // Receives pieces until `size` bytes are there.
  struct Pieces {
    std::string bytes;
    std::size_t count = 0;
    SocketAddress from;
  };
  static Pieces ReceivePieces(UdpPeer& peer, std::size_t size) {
    Pieces pieces;
    while (pieces.bytes.size() < size) {
      const auto piece = peer.Receive();
      if (!piece) break;
      pieces.bytes += piece->bytes;
      pieces.from = piece->from;
      ++pieces.count;
    }
    return pieces;
  }
};

TEST_F(UdpSegment, APieceStaysOneInBothDirections) {
  UdpPeer endpoint;
  endpoint.ReceiveInPieces();
  const SocketAddress proxy = Proxy(endpoint.address());
  UdpPeer client;
  client.ReceiveInPieces();
  const std::string bytes = Pattern(50 * 1200 + 700);
  client.SendSegmentsTo(proxy, bytes, 1200);
  const Pieces there = ReceivePieces(endpoint, bytes.size());
  EXPECT_TRUE(there.bytes == bytes);
  EXPECT_EQ(there.count, 1U);
  endpoint.SendSegmentsTo(there.from, bytes, 1000);
  const Pieces back = ReceivePieces(client, bytes.size());
  EXPECT_TRUE(back.bytes == bytes);
  EXPECT_EQ(back.count, 1U);
  engine_->Shutdown(std::chrono::milliseconds(0));
  const auto count = [&](auto select) { return CountListener("listener", select); };
  using C = ListenerCounters;
  EXPECT_EQ(count([](const C& c) -> const Counter& { return c.datagrams_received; }), 51U);
  EXPECT_EQ(count([](const C& c) -> const Counter& { return c.datagrams_sent; }), 61U);
}

TEST_F(UdpSegment, AReceiverThatKnowsNoPiecesGetsSingleDatagrams) {
  UdpPeer endpoint;
  const SocketAddress proxy = Proxy(endpoint.address());
  UdpPeer client;
  const std::string bytes = Pattern(10 * 1000 + 1);
  client.SendSegmentsTo(proxy, bytes, 1000);
  for (std::size_t i = 0; i < 11; ++i) {
    EXPECT_TRUE(endpoint.ReceiveBytes() == bytes.substr(i * 1000, 1000)) << i;
  }
}

TEST_F(UdpSegment, MaxRequestsDividesAPiece) {
  UdpPeer endpoint;
  const SocketAddress proxy =
      Proxy(endpoint.address(), {.udp = {.idle_timeout = std::chrono::milliseconds(60'000),
                                         .expected_responses = {},
                                         .max_requests = 4}});
  UdpPeer client;
  const std::string bytes = Pattern(9 * 100 + 50);
  client.SendSegmentsTo(proxy, bytes, 100);
  std::map<SocketAddress, int> counts;
  std::string received;
  for (int i = 0; i < 10; ++i) {
    const auto datagram = endpoint.Receive();
    ASSERT_TRUE(datagram.has_value());
    ++counts[datagram->from];
    received += datagram->bytes;
  }
  EXPECT_TRUE(received == bytes);
  std::multiset<int> sizes;
  for (const auto& [from, count] : counts) sizes.insert(count);
  EXPECT_EQ(sizes, (std::multiset<int>{2, 4, 4}));
}

TEST_F(UdpSegment, ExpectedResponsesCountsTheDatagramsOfAPiece) {
  UdpPeer endpoint;
  const SocketAddress proxy =
      Proxy(endpoint.address(),
            {.udp = {.idle_timeout = std::chrono::milliseconds(60'000), .expected_responses = 1}});
  UdpPeer client;
  client.SendSegmentsTo(proxy, std::string(300, 'q'), 100);
  const Pieces questions = ReceivePieces(endpoint, 300);
  endpoint.SendSegmentsTo(questions.from, std::string(300, 'a'), 100);
  EXPECT_EQ(ReceivePieces(client, 300).bytes.size(), 300U);
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kUdpResponsesComplete);
}

// A socket without checksums stands for a device that cannot compute them: the kernel does not cut
// up what is sent there.
TEST_F(UdpSegment, WhereTheKernelDoesNotCutAPieceItsDatagramsAreSentOneByOne) {
  UdpPeer endpoint;
  UdpPeer from;
  from.Connect(endpoint.address());
  const int on = 1;
  ASSERT_EQ(::setsockopt(from.fd(), SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on)), 0);
  std::string bytes = Pattern(100 * 300 + 1);  // More datagrams than a batch.
  const int segment = 300;
  ASSERT_EQ(::setsockopt(from.fd(), SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment)), 0);
  ASSERT_LT(::send(from.fd(), bytes.data(), bytes.size(), 0), 0) << "the kernel does cut it";
  const int off = 0;
  ASSERT_EQ(::setsockopt(from.fd(), SOL_UDP, UDP_SEGMENT, &off, sizeof(off)), 0);
  const UdpRun piece{.data = bytes.data(), .size = bytes.size(), .segment = 300, .datagrams = 101};
  std::string after = "after it";
  const UdpRun single{.data = after.data(), .size = after.size()};
  std::array<UdpSendOutcome, 2> outcomes;
  EXPECT_EQ(ForwardUdp(from.fd(), std::array{piece, single}, outcomes), 2U);
  EXPECT_EQ(outcomes[0].error, 0);
  EXPECT_EQ(outcomes[0].datagrams, 101U);
  EXPECT_EQ(outcomes[1].datagrams, 1U);
  for (std::size_t i = 0; i < 101; ++i) {
    EXPECT_TRUE(endpoint.ReceiveBytes() == bytes.substr(i * 300, 300)) << i;
  }
  EXPECT_EQ(endpoint.ReceiveBytes(), "after it");
}

TEST_F(UdpSegment, DatagramsOfOneSizeTravelAsOne) {
  UdpPeer endpoint;
  endpoint.ReceiveInPieces();
  UdpPeer from;
  from.Connect(endpoint.address());
  std::vector<std::string> datagrams = {std::string(100, 'a'), std::string(100, 'b'),
                                        std::string(60, 'c'), std::string(100, 'd')};
  const std::vector<UdpRun> runs = RunsOf(datagrams);
  std::array<UdpSendOutcome, 4> outcomes;
  EXPECT_EQ(ForwardUdp(from.fd(), runs, outcomes), 4U);
  for (const UdpSendOutcome& outcome : outcomes) EXPECT_EQ(outcome.datagrams, 1U);
  const auto joined = endpoint.Receive();
  ASSERT_TRUE(joined.has_value());
  EXPECT_EQ(joined->bytes, datagrams[0] + datagrams[1] + datagrams[2]);
  EXPECT_EQ(joined->segment, 100);
  EXPECT_EQ(endpoint.ReceiveBytes(), datagrams[3]);
}

TEST_F(UdpSegment, JoinedDatagramsKeepTheirBoundaries) {
  UdpPeer endpoint;
  // Without checksums: as above, nothing can be cut.
  for (const int no_check : {0, 1}) {
    UdpPeer from;
    from.Connect(endpoint.address());
    ASSERT_EQ(::setsockopt(from.fd(), SOL_SOCKET, SO_NO_CHECK, &no_check, sizeof(no_check)), 0);
    std::vector<std::string> datagrams = MixedDatagrams();
    const std::vector<UdpRun> runs = RunsOf(datagrams);
    std::vector<UdpSendOutcome> outcomes(runs.size());
    EXPECT_EQ(ForwardUdp(from.fd(), runs, outcomes), runs.size());
    for (std::size_t i = 0; i < runs.size(); ++i) {
      EXPECT_EQ(endpoint.ReceiveBytes(), datagrams[i]) << i;
      EXPECT_EQ(outcomes[i].error, 0) << i;
      EXPECT_EQ(outcomes[i].datagrams, 1U) << i;
    }
    EXPECT_TRUE(endpoint.IsEmpty());
  }
}

TEST_F(UdpSegment, ARefusalIsToldOfTheFirstOfJoinedDatagrams) {
  UdpPeer from;
  {
    UdpPeer gone;
    from.Connect(gone.address());
  }
  ASSERT_EQ(::send(from.fd(), "x", 1, 0), 1);  // Answered by ICMP at once on loopback.
  std::vector<std::string> datagrams(4, "same");
  const std::vector<UdpRun> runs = RunsOf(datagrams);
  std::array<UdpSendOutcome, 4> outcomes;
  EXPECT_EQ(ForwardUdp(from.fd(), runs, outcomes), 1U);
  EXPECT_EQ(outcomes[0].error, ECONNREFUSED);
}

// Requests and replies wait for each other in the kernel, so that batches form.
TEST_F(UdpSegment, JoinedDatagramsGoBothWaysThroughAWildcard) {
  StartEngine();
  for (const auto& [any, host] : {std::pair{"0.0.0.0", "127.0.0.2"}, std::pair{"[::]", "[::1]"}}) {
    UdpPeer endpoint;
    const SocketAddress wildcard = FreeAddress(any);
    ASSERT_TRUE(Publish({Listener(wildcard, Upstream("u", {endpoint.address()}))}).empty());
    const SocketAddress proxy = Address(host + std::string(":") + std::to_string(wildcard.port()));
    UdpPeer client(host + std::string(":0"));
    const std::vector<std::string> datagrams = MixedDatagrams();
    for (const std::string& bytes : datagrams) client.SendTo(proxy, bytes);
    SocketAddress flow;
    for (const std::string& bytes : datagrams) {
      const auto received = endpoint.Receive();
      ASSERT_TRUE(received.has_value());
      EXPECT_EQ(received->bytes, bytes);
      flow = received->from;
    }
    for (const std::string& bytes : datagrams) endpoint.SendTo(flow, bytes);
    for (const std::string& bytes : datagrams) {
      const auto received = client.Receive();
      ASSERT_TRUE(received.has_value());
      EXPECT_EQ(received->bytes, bytes);
      EXPECT_EQ(received->from, proxy);
    }
  }
}

TEST_F(UdpSegment, WhatASendBufferHasNoRoomForIsDroppedAndSaid) {
  std::array<int, 2> pair{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair.data()), 0);
  const UniqueFd sender(pair[0]);
  const UniqueFd receiver(pair[1]);  // Never reads.
  std::string bytes(2000, 'x');  // Too large to be joined, which a unix socket knows nothing of.
  const std::vector<UdpRun> runs(limits::kUdpBatch, {.data = bytes.data(), .size = bytes.size()});
  std::array<UdpSendOutcome, limits::kUdpBatch> outcomes;
  // A unix socket has a queue that fills; loopback takes everything at once.
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(ForwardUdp(sender.get(), runs, outcomes), runs.size());
    if (outcomes.back().error != 0) break;
  }
  EXPECT_EQ(outcomes.back().error, EAGAIN);
  EXPECT_EQ(outcomes.back().datagrams, 0U);
}

}  // namespace
}  // namespace sluice::dataplane::test
