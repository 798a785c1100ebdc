// What a peer that resets its connection had sent before: it arrives, as it does without a proxy
// and behind nginx, and then the reset does.
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <string>

#include "tests/support/engine_fixture.h"
#include "tests/support/eventually.h"
#include "tests/support/nginx_stream.h"
#include "tests/support/socket_peer.h"
#include "tests/support/temp_dir.h"

namespace sluice::dataplane::test {
namespace {

using namespace std::chrono_literals;
using sluice::test::Eventually;
using sluice::test::NginxStream;
using sluice::test::TempDir;

// More than a relay holds by itself, less than the buffers of the kernel.
constexpr std::size_t kMuch = 1'000'000;

bool AllAcknowledged(const SocketPeer& peer) {
  int bytes = -1;
  return ::ioctl(peer.fd(), SIOCOUTQ, &bytes) == 0 && bytes == 0;
}

class Reset : public TcpEngineTest {
 protected:
  void Join(const SocketAddress& where) {
    client_ = SocketPeer(where);
    endpoint_ = backend_.Accept();
  }
  // Everything that had reached the one worker before this call has been looked at after it.
  void PassThroughWorker(const SocketAddress& proxy) {
    SocketPeer client(proxy);
    backend_.Accept().Send("x");
    EXPECT_EQ(client.Receive(1), "x");
  }
  Record RecordOf(CloseReason reason) {
    for (std::size_t count = 1;; ++count) {
      for (const Record& record : WaitForRecords(count)) {
        if (record.reason == reason) return record;
      }
      if (HasFailure()) return {};
    }
  }

  PeerListener backend_;
  SocketPeer client_;
  SocketPeer endpoint_;
};

TEST_F(Reset, OfAnEndpointComesAfterAllItHadSentAsWithoutAProxyAndBehindNginx) {
  const SocketAddress proxy = Proxy(backend_.address());
  const NginxStream nginx(backend_.address().Text());
  struct Way {
    SocketAddress where;
    std::size_t size;  // What its buffers take of a client that reads nothing.
  };
  for (const auto& [where, size] :
       {Way{backend_.address(), 20'000}, Way{*SocketAddress::Parse(nginx.Address()), kMuch},
        Way{proxy, kMuch}}) {
    SCOPED_TRACE(where.Text());
    const std::string sent = Pattern(size);
    Join(where);
    client_.Send("a request that is never read");
    endpoint_.Send(sent);
    ASSERT_TRUE(Eventually([&] { return AllAcknowledged(endpoint_); }));
    endpoint_.Reset();
    PassThroughWorker(proxy);
    EXPECT_TRUE(client_.ReceiveAll() == sent);
  }
  const Record record = RecordOf(CloseReason::kEndpointReset);
  EXPECT_EQ(record.bytes_sent, kMuch);
  EXPECT_EQ(record.last_attempt.bytes_received, kMuch);
  EXPECT_EQ(CountListener("listener", [](const auto& c) -> const Counter& { return c.bytes_sent; }),
            kMuch + 3);  // PassThroughWorker(), once a way.
}

TEST_F(Reset, OfAnEndpointIsPassedOnAfterThat) {
  const SocketAddress proxy = Proxy(backend_.address());
  Join(proxy);
  const std::string sent = Pattern(kMuch);
  endpoint_.Send(sent);
  ASSERT_TRUE(Eventually([&] { return AllAcknowledged(endpoint_); }));
  endpoint_.Reset();
  PassThroughWorker(proxy);
  Ending ending = Ending::kNotYet;
  EXPECT_EQ(client_.Receive(kMuch).size(), kMuch);
  EXPECT_EQ(client_.ReceiveAll(&ending), "");
  EXPECT_EQ(ending, Ending::kReset);
}

TEST_F(Reset, OfAClientComesAfterAllItHadSent) {
  const SocketAddress proxy = Proxy(backend_.address());
  Join(proxy);
  const std::string sent = Pattern(kMuch);
  client_.Send(sent);
  ASSERT_TRUE(Eventually([&] { return AllAcknowledged(client_); }));
  client_.Reset();
  PassThroughWorker(proxy);
  EXPECT_TRUE(endpoint_.Receive(kMuch) == sent);
  EXPECT_EQ(endpoint_.WaitForEnd(), Ending::kReset);
  const Record record = RecordOf(CloseReason::kClientReset);
  EXPECT_EQ(record.bytes_received, kMuch);
  EXPECT_EQ(record.last_attempt.bytes_sent, kMuch);
}

TEST_F(Reset, OfAUnixEndpointThatClosesWithUnreadBytesComesAfterAllItHadSent) {
  const TempDir dir;
  PeerListener backend(*SocketAddress::Parse("unix:" + dir.File("endpoint.sock")));
  client_ = SocketPeer(Proxy(backend.address()));
  endpoint_ = backend.Accept();
  client_.Send("a request that is never read");
  // As much as there is room for on the way; the client reads nothing yet.
  std::string sent;
  const std::string piece = Pattern(100'000);
  EXPECT_TRUE(Eventually([&] {
    const std::size_t before = sent.size();
    while (const std::size_t n = endpoint_.SendSome(piece)) sent += piece.substr(0, n);
    return !sent.empty() && sent.size() == before;
  }));
  endpoint_.Close();
  EXPECT_TRUE(client_.ReceiveAll() == sent);
  EXPECT_EQ(WaitForRecords(1)[0].bytes_sent, sent.size());
}

TEST_F(Reset, DoesNotKeepTheOtherPeerFromReadingWhatItWantsToSend) {
  const SocketAddress proxy = Proxy(backend_.address());
  Join(proxy);
  endpoint_.Send(Pattern(kMuch));
  ASSERT_TRUE(Eventually([&] { return AllAcknowledged(endpoint_); }));
  endpoint_.Reset();
  // A client that reads nothing before all its request is written: it has nowhere to go.
  const std::string request = Pattern(20'000'000);
  client_.Send(request);
  EXPECT_EQ(client_.Receive(kMuch), Pattern(kMuch));
}

TEST_F(Reset, IsNotWaitedForByAPeerThatTakesNothingAndOnlyWhatArrivedCounts) {
  ListenerOptions options;
  options.tcp.delivery_timeout = 50ms;
  client_ = SocketPeer(Proxy(backend_.address(), options));
  client_.ShrinkReceiveBuffer(4096);
  endpoint_ = backend_.Accept();
  endpoint_.Send(Pattern(kMuch));
  ASSERT_TRUE(Eventually([&] { return AllAcknowledged(endpoint_); }));
  endpoint_.Reset();
  const Record record = WaitForRecords(1)[0];
  EXPECT_EQ(record.reason, CloseReason::kEndpointReset);
  Ending ending = Ending::kNotYet;
  EXPECT_EQ(client_.ReceiveAll(&ending).size(), record.bytes_sent);
  EXPECT_EQ(ending, Ending::kReset);
  EXPECT_LT(record.bytes_sent, kMuch);
}

TEST_F(Reset, OfBothEndsTheSessionAtOnce) {
  const SocketAddress proxy = Proxy(backend_.address());
  Join(proxy);
  client_.ShrinkReceiveBuffer(4096);
  endpoint_.Send(Pattern(kMuch));
  ASSERT_TRUE(Eventually([&] { return AllAcknowledged(endpoint_); }));
  endpoint_.Reset();
  PassThroughWorker(proxy);
  client_.Reset();
  EXPECT_EQ(RecordOf(CloseReason::kEndpointReset).reason, CloseReason::kEndpointReset);
}

}  // namespace
}  // namespace sluice::dataplane::test
