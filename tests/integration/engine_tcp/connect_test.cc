// Getting a session to an endpoint: failures, retries, and whose fault they are.
#include <gmock/gmock.h>

#include <vector>

#include "tests/support/engine_fixture.h"
#include "tests/support/eventually.h"
#include "tests/support/socket_peer.h"
#include "tests/support/temp_dir.h"

namespace sluice::dataplane::test {
namespace {

using namespace std::chrono_literals;
using sluice::test::Eventually;

// A listener that accepts nothing and whose queue is full: connecting to it hangs.
class Blackhole {
 public:
  Blackhole() : listener_(Address("127.0.0.1:0"), 0) {
    // The queue of a backlog of 0 takes one; a few more make sure.
    for (int i = 0; i < 4; ++i) {
      UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      sockaddr_storage storage;
      const socklen_t length = listener_.address().ToSockaddr(storage);
      ::connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), length);
      fillers_.push_back(std::move(fd));
    }
  }
  const SocketAddress& address() const { return listener_.address(); }

 private:
  PeerListener listener_;
  std::vector<UniqueFd> fillers_;
};

class Connect : public TcpEngineTest {
 protected:
  SocketAddress ProxyTo(const std::vector<SocketAddress>& endpoints, ListenerOptions options = {},
                        UpstreamOptions upstream = {}) {
    if (engine_ == nullptr) StartEngine();
    const SocketAddress proxy = FreeAddress();
    EXPECT_TRUE(
        Publish({Listener(proxy, Upstream("upstream", endpoints, upstream), options)}).empty());
    return proxy;
  }
  std::uint64_t Failures() {
    return CountUpstream("upstream", [](const UpstreamCounters& c) -> const Counter& {
      return c.connect_failures[ConnectErrorIndex(ECONNREFUSED)];
    });
  }
  std::uint64_t Retries() {
    return CountUpstream("upstream", [](const auto& c) -> const Counter& { return c.retries; });
  }
  PeerListener backend_;
};

TEST_F(Connect, ARefusedEndpointIsReplacedByTheNextAndCountedAsFailed) {
  StartEngine();
  const SocketAddress dead = FreeAddress();
  SocketPeer client(ProxyTo({dead, backend_.address()}));
  SocketPeer endpoint = backend_.Accept();
  client.Send("hello");
  EXPECT_EQ(endpoint.Receive(5), "hello");
  client.Close();
  endpoint.Close();
  const Record record = WaitForRecords(1)[0];
  EXPECT_EQ(record.reason, CloseReason::kFinished);
  EXPECT_EQ(record.attempts, 2U);
  EXPECT_EQ(State(dead).fails.load(), 1U);
  EXPECT_EQ(Failures(), 1U);
  EXPECT_EQ(Retries(), 1U);
}

TEST_F(Connect, WhenEveryEndpointRefusesTheClientIsClosed) {
  StartEngine();
  SocketPeer client(ProxyTo({FreeAddress(), FreeAddress()}));
  client.WaitForEnd();
  const Record record = WaitForRecords(1)[0];
  EXPECT_EQ(record.reason, CloseReason::kConnectFailed);
  EXPECT_EQ(record.attempts, 2U);
}

TEST_F(Connect, NoMoreThanTheConfiguredAttemptsAreMade) {
  StartEngine();
  ListenerOptions options;
  options.tcp.attempts = 2;
  SocketPeer client(ProxyTo({FreeAddress(), FreeAddress(), FreeAddress()}, options));
  client.WaitForEnd();
  EXPECT_EQ(WaitForRecords(1)[0].attempts, 2U);
}

TEST_F(Connect, NoAttemptIsMadeAfterTheRetryTime) {
  const Blackhole hole;
  ListenerOptions options;
  options.tcp.connect_timeout = 30ms;
  options.tcp.retry_timeout = 10ms;
  SocketPeer client(ProxyTo({hole.address(), backend_.address()}, options));
  client.WaitForEnd();
  const Record record = WaitForRecords(1)[0];
  EXPECT_EQ(record.reason, CloseReason::kConnectTimeout);
  EXPECT_EQ(record.attempts, 1U);
}

TEST_F(Connect, AnEndpointThatDoesNotAnswerTimesOutAndIsReplaced) {
  const Blackhole hole;
  ListenerOptions options;
  options.tcp.connect_timeout = 50ms;
  SocketPeer client(ProxyTo({hole.address(), backend_.address()}, options));
  SocketPeer endpoint = backend_.Accept();
  endpoint.Send("hi");
  EXPECT_EQ(client.Receive(2), "hi");
  EXPECT_EQ(
      CountUpstream("upstream", [](const auto& c) -> const Counter& { return c.connect_timeouts; }),
      1U);
  EXPECT_EQ(State(hole.address()).fails.load(), 1U);
}

TEST_F(Connect, TheLastTimeoutIsTheReason) {
  const Blackhole hole;
  ListenerOptions options;
  options.tcp.connect_timeout = 20ms;
  SocketPeer client(ProxyTo({hole.address()}, options));
  client.WaitForEnd();
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kConnectTimeout);
}

TEST_F(Connect, WithoutEndpointsThereIsNoEndpoint) {
  SocketPeer client(ProxyTo({}));
  client.WaitForEnd();
  const Record record = WaitForRecords(1)[0];
  EXPECT_EQ(record.reason, CloseReason::kNoEndpoint);
  EXPECT_EQ(record.attempts, 0U);
  EXPECT_EQ(
      CountUpstream("upstream", [](const auto& c) -> const Counter& { return c.no_endpoint; }), 1U);
}

TEST_F(Connect, AnEndpointIsGivenBackWhenItsSessionEnds) {
  UpstreamOptions upstream;
  upstream.max_connections = {1};
  const SocketAddress proxy = ProxyTo({backend_.address()}, {}, upstream);
  SocketPeer first(proxy);
  SocketPeer endpoint = backend_.Accept();
  SocketPeer second(proxy);
  second.WaitForEnd();
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kNoEndpoint);
  first.Close();
  endpoint.Close();
  WaitForRecords(2);
  SocketPeer third(proxy);
  backend_.Accept().Send("yes");
  EXPECT_EQ(third.Receive(3), "yes");
}

TEST_F(Connect, AClientThatResetsWhileConnectingHangsAbortsWithoutBlame) {
  const Blackhole hole;
  SocketPeer client(ProxyTo({hole.address()}));
  EXPECT_TRUE(Eventually([&] { return State(hole.address()).open.load() == 1; }));
  client.Reset();
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kClientAborted);
  EXPECT_EQ(State(hole.address()).fails.load(), 0U);
}

TEST_F(Connect, AUnixEndpointThatIsMissingIsReplacedByTheNext) {
  const sluice::test::TempDir folder;
  SocketPeer client(ProxyTo({Address("unix:" + folder.File("none.sock")), backend_.address()}));
  SocketPeer endpoint = backend_.Accept();
  endpoint.Send("here");
  EXPECT_EQ(client.Receive(4), "here");
}

}  // namespace
}  // namespace sluice::dataplane::test
