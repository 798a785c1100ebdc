// The HTTP server on real sockets: many exchanges, slow readers, no room, no descriptors, resets.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "common/base/unique_fd.h"
#include "common/http/server.h"
#include "tests/support/descriptor_hog.h"
#include "tests/support/tcp_client.h"

namespace sluice::http {
namespace {

using namespace std::chrono_literals;
using test::DescriptorHog;
using test::Eventually;
using test::TcpClient;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::chrono::hours kNever{1};
constexpr std::size_t kEverything = std::size_t{1} << 40;
const std::string kGet = "GET / HTTP/1.1\r\n\r\n";
const std::string kEndOfAnswer = "\r\n\r\nok\n";

// A body of `pieces` pieces, as fast as it is asked for.
struct Produced {
  std::atomic<std::size_t> bytes{0};
  std::atomic<int> destroyed{0};
};
class FastSource final : public BodySource {
 public:
  static constexpr std::size_t kPiece = std::size_t{1} << 20;

  FastSource(Produced& produced, int pieces) : produced_(produced), pieces_(pieces) {}
  ~FastSource() override { ++produced_.destroyed; }
  void SetWake(std::function<void()>) override {}
  Piece Next() override {
    if (pieces_ == 0) return {State::kLast};
    --pieces_;
    produced_.bytes += kPiece;
    return {State::kMore, std::string(kPiece, 'p')};
  }

 private:
  Produced& produced_;
  int pieces_;
};

// What other threads say.
class Mailbox {
 public:
  void Put(std::string text, bool last) {
    std::function<void()> wake;
    {
      const std::lock_guard lock(mutex_);
      waiting_ += text;
      last_ = last;
      wake = wake_;
    }
    if (wake) wake();
  }
  void SetWake(std::function<void()> wake) {
    const std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
  }
  BodySource::Piece Take() {
    const std::lock_guard lock(mutex_);
    if (last_) return {BodySource::State::kLast, std::exchange(waiting_, {})};
    if (waiting_.empty()) return {BodySource::State::kNotYet};
    return {BodySource::State::kMore, std::exchange(waiting_, {})};
  }
  bool open() {
    const std::lock_guard lock(mutex_);
    return wake_ != nullptr;
  }

 private:
  std::mutex mutex_;
  std::string waiting_;
  bool last_ = false;
  std::function<void()> wake_;
};
class MailboxSource final : public BodySource {
 public:
  explicit MailboxSource(Mailbox& mailbox) : mailbox_(mailbox) {}
  void SetWake(std::function<void()> wake) override { mailbox_.SetWake(std::move(wake)); }
  Piece Next() override { return mailbox_.Take(); }

 private:
  Mailbox& mailbox_;
};

// Stands for encryption: greets, changes every byte, and moves one at a time.
class OddChannel final : public Channel {
 public:
  static constexpr char kKey = 0x2a;
  static std::string Changed(std::string text) {
    for (char& c : text) c = static_cast<char>(c ^ kKey);
    return text;
  }

  explicit OddChannel(UniqueFd fd) : plain_(PlainChannel(std::move(fd))) {}
  int fd() const override { return plain_->fd(); }
  State Handshake() override {
    char greeting = 0;
    const Step step = plain_->Read({&greeting, 1});
    if (step.state != State::kDone) return step.state;
    if (greeting != 'h') return State::kFailed;
    return plain_->Write("H").state;
  }
  Step Read(std::span<char> bytes) override {
    const Step step = plain_->Read(bytes.first(1));
    if (step.state == State::kDone) bytes[0] = static_cast<char>(bytes[0] ^ kKey);
    return step;
  }
  Step Write(std::string_view bytes) override {
    return plain_->Write(Changed(std::string(bytes.substr(0, 1))));
  }
  bool FinishWriting() override { return plain_->FinishWriting(); }

 private:
  const std::unique_ptr<Channel> plain_;
};

void Reset(TcpClient& client) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  client.Close();
}

class HttpServerTest : public ::testing::Test {
 protected:
  ServerOptions Options() {
    return {.name = "test",
            .address = *SocketAddress::Parse("127.0.0.1:0", /*allow_port_zero=*/true),
            .limits = {.deadline = kNever, .idle = kNever, .body_bytes = 100'000}};
  }
  void Start(ServerOptions options) {
    auto started = Server::Start(std::move(options),
                                 {.answer = [this](const Request& r) { return Answer(r); }});
    ASSERT_TRUE(started) << started.error().message;
    server_ = *std::move(started);
  }
  void Start() { Start(Options()); }
  Response Answer(const Request& request) {
    ++answered_;
    if (request.path() == "/echo") return {.body = request.body};
    if (request.path() == "/fast") {
      return {.source = std::make_unique<FastSource>(produced_, pieces_)};
    }
    if (request.path() == "/watch") {
      return {.source = std::make_unique<MailboxSource>(mailbox_), .long_lived = true};
    }
    return {.body = "ok\n"};
  }
  std::string address() const { return server_->address().Text(); }
  // One exchange on a connection that stays.
  static bool IsAnswered(TcpClient& client) {
    return client.Send(kGet) && client.ReceiveUntil(kEndOfAnswer).ends_with(kEndOfAnswer);
  }

  Produced produced_;
  int pieces_ = 0;  // Of /fast.
  Mailbox mailbox_;
  std::atomic<int> answered_{0};
  std::unique_ptr<Server> server_;
};

TEST_F(HttpServerTest, KeepsConnectionsAndAnswersOnAllOfThem) {
  Start();
  TcpClient a(address());
  TcpClient b(address());
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(IsAnswered(a));
    EXPECT_TRUE(IsAnswered(b));
  }
}

TEST_F(HttpServerTest, AnswersManyPipelinedRequestsInOrder) {
  Start();
  std::string requests;
  std::string expected;
  for (int i = 0; i < 2000; ++i) {
    const std::string number = std::to_string(i);
    requests += "POST /echo HTTP/1.1\r\nContent-Length: " + std::to_string(number.size()) +
                "\r\n\r\n" + number;
    expected +=
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Cache-Control: no-store\r\nContent-Length: " +
        std::to_string(number.size()) + "\r\n\r\n" + number;
  }
  TcpClient client(address());
  std::thread sender([&] { EXPECT_TRUE(client.Send(requests)); });
  EXPECT_EQ(client.Receive(expected.size()), expected);
  sender.join();
}

TEST_F(HttpServerTest, AnIdleConnectionIsClosedAfterItsTime) {
  ServerOptions options = Options();
  options.limits.idle = 50ms;
  Start(std::move(options));
  TcpClient client(address());
  EXPECT_TRUE(IsAnswered(client));
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(HttpServerTest, ASlowRequestIsToldThatItsTimeIsUp) {
  ServerOptions options = Options();
  options.limits.deadline = 50ms;
  Start(std::move(options));
  TcpClient client(address());
  ASSERT_TRUE(client.Send("GET / HT"));
  EXPECT_THAT(client.Receive(kEverything), StartsWith("HTTP/1.1 408 "));
}

TEST_F(HttpServerTest, WhatIsTooLargeIsToldSoWhateverIsStillSent) {
  Start();
  const auto ask = [&](const std::string& request) {
    TcpClient client(address());
    client.Send(request);
    return client.Receive(kEverything);
  };
  const std::string much(1'000'000, 'x');
  EXPECT_THAT(ask("GET /" + much), StartsWith("HTTP/1.1 414 "));
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nA: " + much), StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(ask("PUT / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n" + much),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_EQ(answered_, 0);
}

TEST_F(HttpServerTest, ALargeStreamToASlowReaderIsHeldUpAndNotHeld) {
  pieces_ = 64;
  Start();
  TcpClient slow(address());
  const int small = 64 * 1024;
  ::setsockopt(slow.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
  ASSERT_TRUE(slow.Send("GET /fast HTTP/1.1\r\nConnection: close\r\n\r\n"));
  EXPECT_TRUE(Eventually([&] { return produced_.bytes > 0; }));
  // Turns in which a server without bounds would go on.
  TcpClient other(address());
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(IsAnswered(other));
  const std::size_t kernel_buffers = 16 * FastSource::kPiece;
  EXPECT_LE(produced_.bytes, kernel_buffers + limits::kHttpPieceBytes);
  const std::string answer = slow.Receive(kEverything);
  EXPECT_THAT(answer.substr(0, 1000), HasSubstr("Transfer-Encoding: chunked"));
  EXPECT_GE(answer.size(), 64 * FastSource::kPiece);
  EXPECT_TRUE(answer.ends_with("\r\n0\r\n\r\n"));
}

TEST_F(HttpServerTest, AWatchIsSentWhatOtherThreadsSayWhenTheySayIt) {
  Start();
  TcpClient client(address());
  ASSERT_TRUE(client.Send("GET /watch HTTP/1.1\r\nConnection: close\r\n\r\n"));
  EXPECT_THAT(client.ReceiveUntil("\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
  mailbox_.Put("first", /*last=*/false);
  EXPECT_EQ(client.ReceiveUntil("first\r\n"), "5\r\nfirst\r\n");
  mailbox_.Put("second", /*last=*/true);
  EXPECT_EQ(client.Receive(kEverything), "6\r\nsecond\r\n0\r\n\r\n");
}

TEST_F(HttpServerTest, ASourceMayWakeAServerThatHasGone) {
  Start();
  TcpClient client(address());
  ASSERT_TRUE(client.Send("GET /watch HTTP/1.1\r\n\r\n"));
  ASSERT_TRUE(Eventually([&] { return mailbox_.open(); }));
  server_ = nullptr;
  mailbox_.Put("too late", /*last=*/true);
  EXPECT_THAT(client.Receive(kEverything), Not(HasSubstr("late")));
}

TEST_F(HttpServerTest, AClientThatIsGoneTakesItsStreamWithIt) {
  pieces_ = 1'000'000;
  Start();
  TcpClient streaming(address());
  ASSERT_TRUE(streaming.Send("GET /fast HTTP/1.1\r\n\r\n"));
  ASSERT_FALSE(streaming.Receive(100'000).empty());
  Reset(streaming);
  EXPECT_TRUE(Eventually([&] { return produced_.destroyed == 1; }));
  TcpClient asking(address());
  ASSERT_TRUE(asking.Send("PUT / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf"));
  Reset(asking);
  TcpClient other(address());
  EXPECT_TRUE(IsAnswered(other));
}

TEST_F(HttpServerTest, AFullServerDoesWithoutIdleConnectionsFirst) {
  ServerOptions options = Options();
  options.connections = 3;
  Start(std::move(options));
  TcpClient busy(address());
  ASSERT_TRUE(busy.Send("POST /echo HTTP/1.1\r\nContent-Length: 3\r\n\r\na"));
  TcpClient idle(address());
  ASSERT_TRUE(IsAnswered(idle));
  TcpClient later_idle(address());
  ASSERT_TRUE(IsAnswered(later_idle));

  TcpClient newcomer(address());
  EXPECT_TRUE(IsAnswered(newcomer));
  EXPECT_TRUE(idle.AtEnd());
  EXPECT_TRUE(IsAnswered(later_idle));  // And so the newcomer has been idle for longer.
  TcpClient second(address());
  EXPECT_TRUE(IsAnswered(second));
  EXPECT_TRUE(newcomer.AtEnd());
  ASSERT_TRUE(busy.Send("bc"));
  EXPECT_THAT(busy.ReceiveUntil("abc"), EndsWith("\r\n\r\nabc"));
}

TEST_F(HttpServerTest, AFullServerDoesWithoutThoseThatHaveTheirLastAnswerBeforeAllOthers) {
  ServerOptions options = Options();
  options.connections = 3;
  options.limits.lingering = kNever;
  Start(std::move(options));
  TcpClient busy(address());
  ASSERT_TRUE(busy.Send("POST /echo HTTP/1.1\r\nContent-Length: 3\r\n\r\na"));
  TcpClient idle(address());
  ASSERT_TRUE(IsAnswered(idle));
  TcpClient answered(address());
  ASSERT_TRUE(answered.Send("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_THAT(answered.Receive(kEverything), EndsWith(kEndOfAnswer));

  TcpClient newcomer(address());
  EXPECT_TRUE(IsAnswered(newcomer));
  EXPECT_TRUE(Eventually([&] { return !answered.Send("x"); }));  // Nobody listens any more.
  EXPECT_TRUE(IsAnswered(idle));
  ASSERT_TRUE(busy.Send("bc"));
  EXPECT_THAT(busy.ReceiveUntil("abc"), EndsWith("\r\n\r\nabc"));
}

TEST_F(HttpServerTest, AClientThatAsksWithoutEndHoldsUpNobody) {
  Start();
  TcpClient greedy(address());
  std::atomic<bool> done{false};
  std::thread reader([&] {
    while (!done) greedy.Receive(1, 10ms);
  });
  std::thread sender([&] {
    std::string many;
    for (int i = 0; i < 100; ++i) many += kGet;
    while (!done && greedy.Send(many)) {
    }
  });
  EXPECT_TRUE(Eventually([&] { return answered_ > 100; }));
  for (int i = 0; i < 20; ++i) {
    TcpClient other(address());
    EXPECT_TRUE(IsAnswered(other));
  }
  server_ = nullptr;  // Ends a Send() that waits.
  done = true;
  reader.join();
  sender.join();
}

TEST_F(HttpServerTest, AFullServerDoesWithoutTheOldestExchangeWhenNobodyIsIdle) {
  ServerOptions options = Options();
  options.connections = 3;
  Start(std::move(options));
  std::vector<TcpClient> stalling;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(stalling.emplace_back(address()).Send("GET /watch HTTP/1.1\r\n\r\n"));
    EXPECT_THAT(stalling.back().ReceiveUntil("\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
  }
  TcpClient newcomer(address());
  EXPECT_TRUE(IsAnswered(newcomer));
  EXPECT_TRUE(stalling[0].AtEnd());
  newcomer.Close();
  mailbox_.Put("still here", /*last=*/false);
  EXPECT_EQ(stalling[2].ReceiveUntil("here\r\n"), "a\r\nstill here\r\n");
}

TEST_F(HttpServerTest, ManyWhoHoldEverythingOpenKeepNobodyOut) {
  ServerOptions options = Options();
  options.connections = 8;
  Start(std::move(options));
  std::atomic<bool> done{false};
  std::thread flood([&] {
    std::vector<TcpClient> held;
    while (!done) {
      if (held.size() == 32) held.erase(held.begin());
      held.emplace_back(address()).Send("GET / HT");
    }
  });
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(Eventually([&] {
      TcpClient client(address());
      return IsAnswered(client);
    }));
  }
  done = true;
  flood.join();
}

TEST_F(HttpServerTest, WithoutDescriptorsAnIdleConnectionGivesWay) {
  Start();
  TcpClient idle(address());
  ASSERT_TRUE(IsAnswered(idle));
  const DescriptorHog hog(1);
  TcpClient newcomer(address());  // Takes the last one.
  ASSERT_TRUE(newcomer.connected());
  EXPECT_TRUE(IsAnswered(newcomer));
  EXPECT_TRUE(idle.AtEnd());
}

TEST_F(HttpServerTest, WithoutDescriptorsAndConnectionsItWaitsAndDoesNotSpin) {
  Start();
  DescriptorHog hog(1);
  TcpClient client(address());
  ASSERT_TRUE(client.Send(kGet));
  rusage before{};
  ::getrusage(RUSAGE_SELF, &before);
  EXPECT_EQ(client.Receive(1, 300ms), "");
  rusage after{};
  ::getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_nvcsw + after.ru_nivcsw - before.ru_nvcsw - before.ru_nivcsw, 1000);
  hog.Free(1);
  EXPECT_THAT(client.ReceiveUntil(kEndOfAnswer), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, BytesMayTravelThroughAnotherChannel) {
  ServerOptions options = Options();
  options.channel = [](UniqueFd fd) { return std::make_unique<OddChannel>(std::move(fd)); };
  Start(std::move(options));
  TcpClient client(address());
  ASSERT_TRUE(client.Send("h"));
  EXPECT_EQ(client.Receive(1), "H");
  ASSERT_TRUE(client.Send(OddChannel::Changed(kGet)));
  const std::string end = OddChannel::Changed(kEndOfAnswer);
  EXPECT_THAT(OddChannel::Changed(client.ReceiveUntil(end)), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, AHandshakeThatFailsOrStallsEndsTheConnection) {
  ServerOptions options = Options();
  options.limits.deadline = 50ms;
  options.channel = [](UniqueFd fd) { return std::make_unique<OddChannel>(std::move(fd)); };
  Start(std::move(options));
  TcpClient wrong(address());
  ASSERT_TRUE(wrong.Send("x"));
  EXPECT_TRUE(wrong.AtEnd());
  TcpClient silent(address());
  EXPECT_TRUE(silent.AtEnd());
}

TEST_F(HttpServerTest, ItsEndClosesEveryConnection) {
  Start();
  TcpClient idle(address());
  ASSERT_TRUE(IsAnswered(idle));
  TcpClient watching(address());
  ASSERT_TRUE(watching.Send("GET /watch HTTP/1.1\r\n\r\n"));
  ASSERT_THAT(watching.ReceiveUntil("\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
  const std::string where = address();
  server_ = nullptr;
  EXPECT_TRUE(idle.AtEnd());
  EXPECT_TRUE(watching.AtEnd());
  EXPECT_FALSE(test::CanConnect(where));
}

}  // namespace
}  // namespace sluice::http
