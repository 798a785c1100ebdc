// What a client and an endpoint see of each other through the proxy.
#include <gmock/gmock.h>
#include <sys/socket.h>

#include <future>
#include <thread>
#include <vector>

#include "common/base/limits.h"
#include "tests/support/engine_fixture.h"
#include "tests/support/eventually.h"
#include "tests/support/socket_peer.h"
#include "tests/support/temp_dir.h"

namespace sluice::dataplane::test {
namespace {

using namespace std::chrono_literals;
using sluice::test::Eventually;

class Relay : public TcpEngineTest {
 protected:
  // One session, both ends in the test's hands.
  void Join(ListenerOptions options = {}) {
    const SocketAddress proxy = Proxy(backend_.address(), options);
    client_ = SocketPeer(proxy);
    endpoint_ = backend_.Accept();
  }
  // What the proxy has read from the client and not yet written to the endpoint.
  std::uint64_t HeldForEndpoint() {
    // In this order, so that bytes moving meanwhile do not look held.
    const auto read =
        CountListener("listener", [](const auto& c) -> const Counter& { return c.bytes_received; });
    const auto written =
        CountUpstream("upstream", [](const auto& c) -> const Counter& { return c.bytes_sent; });
    return read > written ? read - written : 0;
  }

  PeerListener backend_;
  SocketPeer client_;
  SocketPeer endpoint_;
};

TEST_F(Relay, CarriesBytesBothWaysAndCountsThem) {
  Join();
  client_.Send("ping");
  EXPECT_EQ(endpoint_.Receive(4), "ping");
  endpoint_.Send("pong!");
  EXPECT_EQ(client_.Receive(5), "pong!");
  client_.FinishSending();
  EXPECT_EQ(endpoint_.WaitForEnd(), Ending::kFinished);
  endpoint_.Close();
  EXPECT_EQ(client_.WaitForEnd(), Ending::kFinished);
  const Record record = WaitForRecords(1)[0];
  EXPECT_EQ(record.reason, CloseReason::kFinished);
  EXPECT_EQ(record.bytes_received, 4U);
  EXPECT_EQ(record.bytes_sent, 5U);
  EXPECT_EQ(record.client, client_.local().Text());
  EXPECT_EQ(record.attempts, 1U);
  EXPECT_EQ(record.last_attempt.bytes_sent, 4U);
  EXPECT_EQ(record.last_attempt.bytes_received, 5U);
  EXPECT_GE(record.last_attempt.connect_time.count(), 0);
  EXPECT_GE(record.last_attempt.first_byte_time.count(), 0);
  EXPECT_GE(record.last_attempt.session_time.count(), 0);
}

TEST_F(Relay, LetsTheEndpointSpeakFirst) {
  Join();
  endpoint_.Send("220 ready\r\n");
  EXPECT_EQ(client_.Receive(11), "220 ready\r\n");
}

TEST_F(Relay, TheEndpointGoesOnSendingAfterTheClientHasFinished) {
  Join();
  client_.Send("request");
  client_.FinishSending();
  EXPECT_EQ(endpoint_.ReceiveAll(), "request");
  const std::string answer = Pattern(3'000'000);
  std::thread sender([&] {
    endpoint_.Send(answer);
    endpoint_.Close();
  });
  EXPECT_EQ(client_.ReceiveAll(), answer);
  sender.join();
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kFinished);
}

TEST_F(Relay, TheClientGoesOnSendingAfterTheEndpointHasFinished) {
  Join();
  endpoint_.Send("greeting");
  endpoint_.FinishSending();
  EXPECT_EQ(client_.ReceiveAll(), "greeting");
  const std::string upload = Pattern(3'000'000);
  std::thread sender([&] {
    client_.Send(upload);
    client_.FinishSending();
  });
  EXPECT_EQ(endpoint_.ReceiveAll(), upload);
  sender.join();
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kFinished);
}

TEST_F(Relay, AResetOfTheClientReachesTheEndpointAsAReset) {
  Join();
  client_.Send("x");
  EXPECT_EQ(endpoint_.Receive(1), "x");
  client_.Reset();
  EXPECT_EQ(endpoint_.WaitForEnd(), Ending::kReset);
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kClientReset);
}

TEST_F(Relay, AResetOfTheEndpointReachesTheClientAsAReset) {
  Join();
  client_.Send("x");
  EXPECT_EQ(endpoint_.Receive(1), "x");
  endpoint_.Reset();
  EXPECT_EQ(client_.WaitForEnd(), Ending::kReset);
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kEndpointReset);
}

TEST_F(Relay, WhatAnEndpointSentBeforeItsResetStillArrives) {
  Join();
  client_.Send("a request that is never read");
  EXPECT_TRUE(Eventually([&] { return HeldForEndpoint() == 0; }));
  endpoint_.Send("too large");
  endpoint_.Close();  // With unread bytes: the kernel answers with a reset.
  Ending ending = Ending::kNotYet;
  EXPECT_EQ(client_.ReceiveAll(&ending), "too large");
  WaitForRecords(1);
}

TEST_F(Relay, AResetIsNoticedThoughTheOtherSideTakesNoMore) {
  endpoint_.Close();
  ListenerOptions options;
  options.tcp.delivery_timeout = 50ms;
  Join(options);
  const std::string upload = Pattern(64 * 1024);
  std::size_t sent = 0;
  // Until every buffer on the way is full.
  EXPECT_TRUE(Eventually([&] {
    while (const std::size_t n = client_.SendSome(upload)) sent += n;
    return HeldForEndpoint() > 0 && client_.SendSome(upload) == 0;
  }));
  client_.Reset();
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kClientReset);
}

TEST_F(Relay, ASlowReaderCostsAtMostAPipeAndABufferAndLosesNothing) {
  Join();
  const std::string upload = Pattern(24'000'000);
  std::thread sender([&] {
    client_.Send(upload);
    client_.FinishSending();
  });
  EXPECT_TRUE(Eventually([&] { return HeldForEndpoint() > 0; }));
  std::string got;
  while (got.size() < 1'000'000) {
    EXPECT_LE(HeldForEndpoint(), limits::kPipeBytes + limits::kRelayPendingBytes);
    got += endpoint_.Receive(50'000);
  }
  got += endpoint_.ReceiveAll();
  sender.join();
  EXPECT_TRUE(got == upload);
}

// A gate on the worker, so that things happen to a session before its endpoint is connected.
struct Gate {
  std::promise<void> open;
  std::shared_future<void> opened{open.get_future()};
  std::function<void()> Wait() {
    return [opened = opened] { opened.wait(); };
  }
};

TEST_F(Relay, DataAndTheEndThatComeBeforeTheEndpointIsConnectedArrive) {
  Gate gate;
  ListenerOptions options;
  options.in_phases = gate.Wait();
  client_ = SocketPeer(Proxy(backend_.address(), options));
  client_.Send("all I have to say");
  client_.FinishSending();
  gate.open.set_value();
  endpoint_ = backend_.Accept();
  EXPECT_EQ(endpoint_.ReceiveAll(), "all I have to say");
  endpoint_.Send("bye");
  endpoint_.Close();
  EXPECT_EQ(client_.ReceiveAll(), "bye");
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kFinished);
}

TEST_F(Relay, TheEndAloneThatComesBeforeTheEndpointIsConnectedArrives) {
  Gate gate;
  ListenerOptions options;
  options.in_phases = gate.Wait();
  client_ = SocketPeer(Proxy(backend_.address(), options));
  client_.FinishSending();
  gate.open.set_value();
  endpoint_ = backend_.Accept();
  EXPECT_EQ(endpoint_.WaitForEnd(), Ending::kFinished);
  endpoint_.Close();
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kFinished);
}

TEST_F(Relay, AResetBeforeTheEndpointIsConnectedAborts) {
  Gate gate;
  ListenerOptions options;
  options.in_phases = gate.Wait();
  client_ = SocketPeer(Proxy(backend_.address(), options));
  client_.Reset();
  gate.open.set_value();
  const Record record = WaitForRecords(1)[0];
  EXPECT_EQ(record.reason, CloseReason::kClientAborted);
  EXPECT_EQ(State(backend_.address()).fails.load(), 0U);
}

// More than one read, then the end, in one go: the event for the end has been seen by then.
TEST_F(Relay, AnEndBehindMoreDataThanOneReadTakesArrives) {
  for (const std::size_t size :
       {std::size_t{1}, limits::kRelayScratchBytes - 1, limits::kRelayScratchBytes,
        limits::kRelayScratchBytes + 1, 3 * limits::kRelayScratchBytes}) {
    Gate gate;
    ListenerOptions options;
    options.in_phases = gate.Wait();
    engine_ == nullptr ? StartEngine() : void();
    client_ = SocketPeer(Proxy(backend_.address(), options));
    const std::string data = Pattern(size);
    client_.Send(data);
    client_.FinishSending();
    gate.open.set_value();
    endpoint_ = backend_.Accept();
    EXPECT_TRUE(endpoint_.ReceiveAll() == data) << size;
    endpoint_.Close();
    EXPECT_EQ(client_.WaitForEnd(), Ending::kFinished);
  }
}

TEST_F(Relay, TheEndArrivesThoughItsEventCameWhileTheDestinationWasFull) {
  Join();
  const std::string upload = Pattern(20'000'000);
  std::thread sender([&] {
    client_.Send(upload);
    client_.FinishSending();
  });
  EXPECT_TRUE(Eventually([&] { return HeldForEndpoint() > 0; }));
  EXPECT_TRUE(endpoint_.ReceiveAll() == upload);
  sender.join();
}

TEST_F(Relay, UrgentDataDoesNotStallWhatFollows) {
  Join();
  client_.Send("before");
  ASSERT_EQ(::send(client_.fd(), "!", 1, MSG_OOB), 1);
  client_.Send("after");
  // The urgent byte itself is not part of the stream.
  EXPECT_EQ(endpoint_.Receive(11), "beforeafter");
}

TEST_F(Relay, ManySessionsAtOnceOnTwoWorkers) {
  StartEngine(2);
  const SocketAddress proxy = Proxy(backend_.address());
  constexpr std::size_t kSessions = 200;
  std::thread server([&] {
    std::vector<SocketPeer> accepted;
    for (std::size_t i = 0; i < kSessions; ++i) accepted.push_back(backend_.Accept());
    for (SocketPeer& peer : accepted) {
      peer.Send(peer.Receive(8));
      peer.FinishSending();
    }
    for (SocketPeer& peer : accepted) peer.WaitForEnd();
  });
  std::vector<SocketPeer> clients;
  for (std::size_t i = 0; i < kSessions; ++i) {
    clients.emplace_back(proxy);
    clients.back().Send(Pattern(8, static_cast<std::uint32_t>(i)));
  }
  for (std::size_t i = 0; i < kSessions; ++i) {
    EXPECT_EQ(clients[i].ReceiveAll(), Pattern(8, static_cast<std::uint32_t>(i)));
    clients[i].Close();
  }
  server.join();
  for (const Record& record : WaitForRecords(kSessions)) {
    EXPECT_EQ(record.reason, CloseReason::kFinished);
  }
}

TEST_F(Relay, UnixSocketsOnBothSides) {
  const sluice::test::TempDir folder;
  StartEngine(2);
  PeerListener endpoint(Address("unix:" + folder.File("endpoint.sock")));
  const SocketAddress proxy = Address("unix:" + folder.File("proxy.sock"));
  ASSERT_TRUE(Publish({Listener(proxy, Upstream("upstream", {endpoint.address()}))}).empty());
  for (int i = 0; i < 20; ++i) {
    SocketPeer client(proxy);
    SocketPeer server = endpoint.Accept();
    const std::string upload = Pattern(500'000);
    std::thread sender([&] {
      client.Send(upload);
      client.FinishSending();
    });
    EXPECT_TRUE(server.ReceiveAll() == upload);
    sender.join();
    server.Send("done");
    server.Close();
    EXPECT_EQ(client.ReceiveAll(), "done");
  }
  const Record record = WaitForRecords(20)[0];
  EXPECT_EQ(record.reason, CloseReason::kFinished);
  EXPECT_EQ(record.client, "unix:");
}

TEST_F(Relay, AUnixClientThatClosesRightAfterWritingIsHeardOut) {
  const sluice::test::TempDir folder;
  StartEngine();
  const SocketAddress proxy = Address("unix:" + folder.File("proxy.sock"));
  ASSERT_TRUE(Publish({Listener(proxy, Upstream("upstream", {backend_.address()}))}).empty());
  const std::string message = Pattern(100'000);
  client_ = SocketPeer(proxy);
  client_.Send(message);
  client_.Close();
  endpoint_ = backend_.Accept();
  EXPECT_TRUE(endpoint_.ReceiveAll() == message);
  endpoint_.Close();
  WaitForRecords(1);
}

TEST_F(Relay, IPv6OnBothSidesAndTheLocalAddressOfAWildcard) {
  StartEngine();
  PeerListener endpoint(Address("[::1]:0"));
  const SocketAddress proxy = FreeAddress("[::]");
  ASSERT_TRUE(Publish({Listener(proxy, Upstream("upstream", {endpoint.address()}))}).empty());
  client_ = SocketPeer(Address("[::1]:" + std::to_string(proxy.port())));
  endpoint_ = endpoint.Accept();
  client_.Send("six");
  EXPECT_EQ(endpoint_.Receive(3), "six");
  client_.Close();
  endpoint_.Close();
  const Record record = WaitForRecords(1)[0];
  EXPECT_EQ(record.local, "[::1]:" + std::to_string(proxy.port()));
  EXPECT_THAT(record.client, ::testing::StartsWith("[::1]:"));
}

TEST_F(Relay, ARefusedConnectionIsClosedAndLogged) {
  ListenerOptions options;
  options.refuse = CloseReason::kAccessDenied;
  client_ = SocketPeer(Proxy(backend_.address(), options));
  EXPECT_EQ(client_.WaitForEnd(), Ending::kFinished);
  const Record record = WaitForRecords(1)[0];
  EXPECT_EQ(record.reason, CloseReason::kAccessDenied);
  EXPECT_EQ(record.attempts, 0U);
  EXPECT_FALSE(backend_.HasWaiting());
}

TEST_F(Relay, LargeTransfersBothWaysAtOnceArriveWhole) {
  Join();
  const std::string up = Pattern(30'000'000, 1);
  const std::string down = Pattern(30'000'000, 2);
  std::thread client_sends([&] {
    client_.Send(up);
    client_.FinishSending();
  });
  std::thread endpoint_sends([&] {
    endpoint_.Send(down);
    endpoint_.FinishSending();
  });
  std::future<std::string> at_client =
      std::async(std::launch::async, [&] { return client_.ReceiveAll(); });
  EXPECT_TRUE(endpoint_.ReceiveAll() == up);
  EXPECT_TRUE(at_client.get() == down);
  client_sends.join();
  endpoint_sends.join();
  const Record record = WaitForRecords(1)[0];
  EXPECT_EQ(record.reason, CloseReason::kFinished);
  EXPECT_EQ(record.bytes_received, up.size());
  EXPECT_EQ(record.bytes_sent, down.size());
}

}  // namespace
}  // namespace sluice::dataplane::test
