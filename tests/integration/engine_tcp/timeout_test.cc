// Sessions that are ended by time, and by shutdown.
#include <gmock/gmock.h>

#include <thread>
#include <vector>

#include "tests/support/engine_fixture.h"
#include "tests/support/eventually.h"
#include "tests/support/socket_peer.h"

namespace sluice::dataplane::test {
namespace {

using namespace std::chrono_literals;
using sluice::test::Eventually;

class Timeout : public TcpEngineTest {
 protected:
  void Join(const ListenerOptions& options) {
    client_ = SocketPeer(Proxy(backend_.address(), options));
    endpoint_ = backend_.Accept();
  }
  PeerListener backend_;
  SocketPeer client_;
  SocketPeer endpoint_;
};

TEST_F(Timeout, ASilentSessionEndsAfterTheIdleTimeAndBothSidesSeeAnEnd) {
  ListenerOptions options;
  options.tcp.idle_timeout = 50ms;
  Join(options);
  client_.Send("last words");
  EXPECT_EQ(endpoint_.ReceiveAll(), "last words");
  EXPECT_EQ(client_.WaitForEnd(), Ending::kFinished);
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kIdleTimeout);
}

TEST_F(Timeout, TrafficInOneDirectionKeepsASessionFromBeingIdle) {
  ListenerOptions options;
  options.tcp.idle_timeout = 400ms;
  Join(options);
  const auto start = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - start < 900ms) {
    endpoint_.Send("tick");
    EXPECT_EQ(client_.Receive(4), "tick");
    std::this_thread::yield();
  }
  EXPECT_EQ(engine_->sessions().open, 1U);
}

TEST_F(Timeout, AHalfClosedSessionEndsWhenTheOtherSideIsSilent) {
  ListenerOptions options;
  options.tcp.half_closed_timeout = 50ms;
  Join(options);
  client_.FinishSending();
  EXPECT_EQ(endpoint_.WaitForEnd(), Ending::kFinished);
  EXPECT_EQ(client_.WaitForEnd(), Ending::kFinished);
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kHalfClosedTimeout);
}

TEST_F(Timeout, ASessionEndsAfterItsLifetimeThoughItIsBusy) {
  ListenerOptions options;
  options.tcp.session_timeout = 200ms;
  Join(options);
  std::thread talk([&] {
    while (client_.SendSome("x") == 1 && endpoint_.Receive(1) == "x") {
    }
  });
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kSessionTimeout);
  talk.join();
}

TEST_F(Timeout, TheLifetimeAlsoEndsASessionWithoutAnIdleTime) {
  ListenerOptions options;
  options.tcp.idle_timeout = 0ms;
  options.tcp.session_timeout = 50ms;
  Join(options);
  EXPECT_EQ(client_.WaitForEnd(), Ending::kFinished);
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kSessionTimeout);
}

TEST_F(Timeout, AReaderThatIsStuckIsBoundedByTheIdleTime) {
  ListenerOptions options;
  options.tcp.idle_timeout = 100ms;
  Join(options);
  const std::string block = Pattern(64 * 1024);
  EXPECT_TRUE(Eventually([&] {
    while (client_.SendSome(block) != 0) {
    }
    return engine_->sessions().open == 0;
  }));
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kIdleTimeout);
}

// Without lingering the client's unread upload would make our kernel answer with a reset, and the
// client's kernel drop the answer.
TEST_F(Timeout, TheLastBytesReachAClientThatIsStillSending) {
  ListenerOptions options;
  options.tcp.session_timeout = 150ms;
  Join(options);
  endpoint_.Send("the answer");
  client_.Send("a");
  WaitForRecords(1);
  client_.SendSome("more that nobody reads");
  Ending ending = Ending::kNotYet;
  EXPECT_EQ(client_.ReceiveAll(&ending), "the answer");
  EXPECT_EQ(ending, Ending::kFinished);
}

TEST_F(Timeout, ShutdownWaitsForSessionsAndThenClosesTheRest) {
  Join(ListenerOptions());
  std::thread finisher([&] {
    client_.Close();
    endpoint_.WaitForEnd();
    endpoint_.Close();
  });
  engine_->Shutdown(std::chrono::seconds(30));
  finisher.join();
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kFinished);
}

TEST_F(Timeout, ShutdownStopsAcceptingAndClosesWhatIsLeftAtTheDeadline) {
  Join(ListenerOptions());
  engine_->Shutdown(20ms);
  EXPECT_EQ(client_.WaitForEnd(), Ending::kFinished);
  EXPECT_EQ(endpoint_.WaitForEnd(), Ending::kFinished);
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kShutdown);
}

}  // namespace
}  // namespace sluice::dataplane::test
