// Phases that look at the client's first bytes or wait, through every way such a session can end.
#include <malloc.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "dataplane/loop/descriptor_limit.h"
#include "tests/support/engine_fixture.h"
#include "tests/support/eventually.h"
#include "tests/support/socket_peer.h"
#include "tests/support/waiting_phases.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();
#endif

namespace sluice::dataplane::test {
namespace {

using namespace std::chrono_literals;
using sluice::test::Eventually;

class WaitingPhase : public TcpEngineTest {
 protected:
  using Steps = std::function<void(PhaseChain&)>;
  static ListenerOptions With(Steps steps) {
    ListenerOptions options;
    options.add_steps = std::move(steps);
    return options;
  }
  ListenerOptions Newline(std::chrono::milliseconds timeout = 30s) {
    return With([this, timeout](PhaseChain& c) { c.push_back(UntilNewline(waits_, timeout)); });
  }
  ListenerOptions OnTimer(std::chrono::milliseconds delay,
                          std::chrono::milliseconds timeout = 30s) {
    return With([=, this](PhaseChain& c) { c.push_back(UntilTimer(waits_, delay, timeout)); });
  }
  // The session waits: in the newline handler for the byte after `seen`, or for a task.
  void WaitUntilAsked(int times) {
    EXPECT_TRUE(Eventually([&] { return waits_.asked.load() >= times; })) << waits_.asked;
  }
  void WaitForTask() {
    EXPECT_TRUE(Eventually([&] { return waits_.tasks.load() == 1; }));
  }

  Waits waits_;
  PeerListener backend_;
};

TEST_F(WaitingPhase, BytesThatComeOneAtATimeAreSeenByThePhaseAndAllReachTheEndpoint) {
  SocketPeer client(Proxy(backend_.address(), Newline()));
  const std::string line = "first line\n";
  for (std::size_t i = 0; i < line.size(); ++i) {
    WaitUntilAsked(static_cast<int>(i) + 1);
    client.Send(line.substr(i, 1));
  }
  SocketPeer endpoint = backend_.Accept();
  EXPECT_EQ(endpoint.Receive(line.size()), line);
  endpoint.Send("answer");
  EXPECT_EQ(client.Receive(6), "answer");
}

TEST_F(WaitingPhase, WhatFollowsTheLineAndTheEndOfTheClientAreNotLost) {
  SocketPeer client(Proxy(backend_.address(), Newline()));
  client.Send("line\nand more");
  client.FinishSending();
  SocketPeer endpoint = backend_.Accept();
  EXPECT_EQ(endpoint.ReceiveAll(), "line\nand more");
  endpoint.Send("late answer");
  endpoint.Close();
  EXPECT_EQ(client.ReceiveAll(), "late answer");
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kFinished);
}

TEST_F(WaitingPhase, AClientThatEndsBeforeThePhaseHasItsBytesIsClosed) {
  SocketPeer client(Proxy(backend_.address(), Newline()));
  client.Send("no newline");
  client.FinishSending();
  const Record record = WaitForRecords(1)[0];
  EXPECT_EQ(record.reason, CloseReason::kClientAborted);
  EXPECT_EQ(record.attempts, 0U);
}

TEST_F(WaitingPhase, AClientThatEndsWithoutAByteIsClosed) {
  SocketPeer client(Proxy(backend_.address(), Newline()));
  client.FinishSending();
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kClientAborted);
}

TEST_F(WaitingPhase, AClientThatResetsWhileItsBytesAreAwaitedIsClosed) {
  SocketPeer client(Proxy(backend_.address(), Newline()));
  client.Send("no newline");
  WaitUntilAsked(2);
  client.Reset();
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kClientAborted);
}

TEST_F(WaitingPhase, AClientThatResetsWhileATaskIsAwaitedIsClosedAndTheTaskCancelled) {
  SocketPeer client(Proxy(backend_.address(), OnTimer(1h)));
  WaitForTask();
  client.Reset();
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kClientAborted);
  EXPECT_EQ(waits_.tasks, 0);
  EXPECT_EQ(waits_.waited, 0);
}

TEST_F(WaitingPhase, ATaskThatIsDoneLetsTheSessionGoOnWithWhatTheClientSentMeanwhile) {
  SocketPeer client(Proxy(backend_.address(), OnTimer(20ms)));
  client.Send("early");
  SocketPeer endpoint = backend_.Accept();
  EXPECT_EQ(endpoint.Receive(5), "early");
  EXPECT_EQ(waits_.waited, 1);
  EXPECT_EQ(waits_.tasks, 0) << "nothing of the phases is left with an established session";
}

TEST_F(WaitingPhase, AClientThatHasEndedWhileATaskWasAwaitedIsServedToItsEnd) {
  SocketPeer client(Proxy(backend_.address(), OnTimer(50ms)));
  client.Send("all of it");
  client.FinishSending();
  SocketPeer endpoint = backend_.Accept();
  EXPECT_EQ(endpoint.ReceiveAll(), "all of it");
  endpoint.Close();
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kFinished);
}

TEST_F(WaitingPhase, HandlersThatWaitFollowEachOther) {
  SocketPeer client(Proxy(backend_.address(), With([this](PhaseChain& chain) {
                            chain.push_back(UntilTimer(waits_, 10ms));
                            chain.push_back(UntilNewline(waits_));
                            chain.push_back(UntilTimer(waits_, 10ms));
                          })));
  client.Send("line\n");
  SocketPeer endpoint = backend_.Accept();
  EXPECT_EQ(endpoint.Receive(5), "line\n");
  EXPECT_EQ(waits_.waited, 2);
}

TEST_F(WaitingPhase, ATrickleOfBytesDoesNotPutTheDeadlineOff) {
  SocketPeer client(Proxy(backend_.address(), Newline(200ms)));
  while (client.SendSome("x") == 1 && engine_->sessions().open != 0) {
    std::this_thread::sleep_for(1ms);  // As slowly as such clients do; nothing is waited for.
  }
  const Record record = WaitForRecords(1)[0];
  EXPECT_EQ(record.reason, CloseReason::kPhaseTimeout);
  EXPECT_EQ(record.attempts, 0U);
}

TEST_F(WaitingPhase, ATaskThatTakesTooLongIsCancelledAtTheDeadline) {
  SocketPeer client(Proxy(backend_.address(), OnTimer(1h, 50ms)));
  const Record record = WaitForRecords(1)[0];
  EXPECT_EQ(record.reason, CloseReason::kPhaseTimeout);
  EXPECT_EQ(record.phase, Phase::kPreaccess);
  EXPECT_EQ(waits_.tasks, 0);
}

TEST_F(WaitingPhase, TheLifetimeOfASessionCountsInItsPhasesToo) {
  ListenerOptions options = Newline();
  options.tcp.session_timeout = 50ms;
  SocketPeer client(Proxy(backend_.address(), options));
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kSessionTimeout);
}

TEST_F(WaitingPhase, AClientThatSendsWithoutANewlineIsClosedWhenAsMuchAsMayBeSeenIsThere) {
  SocketPeer client(Proxy(backend_.address(), Newline()));
  ASSERT_TRUE(Eventually([&] { return engine_->sessions().open == 1; }));
  const std::string piece(16 * 1024, 'x');
  std::size_t sent = 0;
  EXPECT_TRUE(Eventually([&] {
    if (sent < 4 * piece.size()) sent += client.SendSome(piece);
    return engine_->sessions().open == 0;
  }));
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kPrereadFull);
}

TEST_F(WaitingPhase, AsMuchAsMayBeSeenIsSeenHoweverSmallThePiecesAre) {
  SocketPeer client(Proxy(backend_.address(), Newline()));
  const std::string line = std::string(60'000, 'x') + "\n";
  for (std::size_t at = 0; at < line.size(); at += 100) client.Send(line.substr(at, 100));
  SocketPeer endpoint = backend_.Accept();
  EXPECT_EQ(endpoint.Receive(line.size()), line);
}

TEST_F(WaitingPhase, AShutdownEndsSessionsThatWait) {
  SocketPeer waits_for_line(Proxy(backend_.address(), With([this](PhaseChain& chain) {
                                    chain.push_back(UntilTimer(waits_, 1ms));
                                    chain.push_back(UntilNewline(waits_));
                                  })));
  WaitUntilAsked(1);
  engine_->Shutdown(0ms);
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kShutdown);
  EXPECT_EQ(waits_.tasks, 0);
}

TEST_F(WaitingPhase, ASessionThatWaitsLivesThroughAChangeAndPicksFromTheUpstreamInForce) {
  const SocketAddress address = [&] {
    StartEngine();
    return FreeAddress();
  }();
  PeerListener other;
  const auto listener = Listener(address, Upstream("upstream", {backend_.address()}), Newline());
  Publish({listener});
  SocketPeer client(address);
  client.Send("li");
  WaitUntilAsked(2);
  Reform(listener, Upstream("upstream", {other.address()}));
  Publish({listener});
  client.Send("ne\n");
  SocketPeer endpoint = other.Accept();
  EXPECT_EQ(endpoint.Receive(5), "line\n");
}

TEST_F(WaitingPhase, ASessionThatWaitsLivesThroughTheRemovalOfItsListenerAndUpstream) {
  const SocketAddress address = Proxy(backend_.address(), Newline());
  SocketPeer client(address);
  client.Send("li");
  WaitUntilAsked(2);
  Publish({});
  client.Send("ne\n");
  SocketPeer endpoint = backend_.Accept();
  EXPECT_EQ(endpoint.Receive(5), "line\n");
}

// Clients in a process of their own, so that both sides have descriptors enough.
class TenThousandWaiting : public WaitingPhase {
 protected:
  static constexpr std::size_t kClients = 10'000;

  TenThousandWaiting() {
    EXPECT_TRUE(RaiseDescriptorLimit(0));
    EXPECT_EQ(::pipe(orders_.data()), 0);
    EXPECT_EQ(::pipe(done_.data()), 0);
    clients_ = ::fork();
    if (clients_ == 0) ::_exit(RunClients());
    ::close(orders_[0]);
    ::close(done_[1]);
  }
  ~TenThousandWaiting() override {
    ::close(orders_[1]);
    ::close(done_[0]);
    int status = 0;
    ::waitpid(clients_, &status, 0);
    EXPECT_EQ(status, 0);
  }
  void Connect(const SocketAddress& proxy) {
    sockaddr_storage storage{};
    proxy.ToSockaddr(storage);
    EXPECT_EQ(::write(orders_[1], &storage, sizeof(storage)),
              static_cast<ssize_t>(sizeof(storage)));
    char byte = 0;
    EXPECT_EQ(::read(done_[0], &byte, 1), 1) << "the clients could not connect";
  }
  void CloseAll() {
    const char byte = 0;
    EXPECT_EQ(::write(orders_[1], &byte, 1), 1);
  }

 private:
  // System calls only: this is a fork of a test process.
  int RunClients() {
    ::close(orders_[1]);
    ::close(done_[0]);
    sockaddr_storage proxy{};
    if (::read(orders_[0], &proxy, sizeof(proxy)) != sizeof(proxy)) return 0;
    static std::array<int, kClients> sockets;
    for (int& socket : sockets) {
      socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (::connect(socket, reinterpret_cast<const sockaddr*>(&proxy), sizeof(sockaddr_in)) != 0 ||
          ::send(socket, "x", 1, MSG_NOSIGNAL) != 1) {
        return 1;
      }
    }
    char byte = 0;
    if (::write(done_[1], &byte, 1) != 1) return 1;
    if (::read(orders_[0], &byte, 1) < 0) return 1;
    for (const int socket : sockets) ::close(socket);
    return 0;
  }

  std::array<int, 2> orders_{};
  std::array<int, 2> done_{};
  pid_t clients_ = 0;
};

TEST_F(TenThousandWaiting, CostLittleEachAndNothingAfterwards) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  const auto allocated = [] { return __sanitizer_get_current_allocated_bytes(); };
#else
  const auto allocated = [] { return ::mallinfo2().uordblks; };
#endif
  const SocketAddress proxy = Proxy(backend_.address(), Newline());
  const std::size_t before = allocated();
  Connect(proxy);
  WaitUntilAsked(2 * kClients);
  EXPECT_EQ(engine_->sessions().open, kClients);
  EXPECT_LT(allocated() - before, kClients * 1200) << "no buffer waits with a session";
  CloseAll();
  EXPECT_TRUE(Eventually([&] { return engine_->sessions().open == 0; }));
  for (const Record& record : WaitForRecords(kClients)) {
    ASSERT_EQ(record.reason, CloseReason::kClientAborted);
  }
}

}  // namespace
}  // namespace sluice::dataplane::test
