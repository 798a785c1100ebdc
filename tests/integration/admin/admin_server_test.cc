// The admin server with clients that behave well, slowly, wrongly and not at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "common/base/limits.h"
#include "common/base/unique_fd.h"
#include "dataplane/admin/serve_admin.h"
#include "tests/support/tcp_client.h"
#include "tests/support/temp_dir.h"

namespace sluice::dataplane {
namespace {

using std::chrono::milliseconds;
using test::Eventually;
using test::TcpClient;
using test::TempDir;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Far beyond any test's time: the deadline plays no part.
constexpr std::chrono::hours kNever{1};
const std::string kHealthRequest = "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n";
constexpr std::size_t kEverything = std::size_t{64} << 20;

class AdminServerTest : public ::testing::Test {
 protected:
  void Start(milliseconds deadline, const std::string& address = "127.0.0.1:0") {
    auto started = TryStart(
        {.address = address,
         .limits = {.deadline = deadline,
                    .lingering = std::min<milliseconds>(deadline, limits::kHttpLingering)}});
    ASSERT_TRUE(started) << started.error().message;
    server_ = *std::move(started);
  }
  Result<std::unique_ptr<http::Server>> TryStart(const AdminOptions& options) {
    return ServeAdmin(options, {.readiness =
                                    [this] {
                                      return Readiness{ready_, ready_ ? "" : "no configuration"};
                                    },
                                .config = [] { return std::string("{}\n"); },
                                .metrics = [this] { return std::string(metrics_bytes_, 'm'); }});
  }
  std::string address() const { return server_->address().Text(); }
  // Everything the server says to these bytes until it ends.
  std::string Ask(std::string_view request) const {
    TcpClient client(address());
    EXPECT_TRUE(client.Send(request));
    return client.Receive(kEverything);
  }
  std::string Get(const std::string& path) const {
    return Ask("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  }
  bool Healthy() const { return Get("/healthz").starts_with("HTTP/1.1 200 "); }

  std::atomic<bool> ready_{true};
  std::size_t metrics_bytes_ = 10;
  std::unique_ptr<http::Server> server_;
};

TEST_F(AdminServerTest, AnswersItsPages) {
  Start(kNever);
  EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(Get("/metrics"), HasSubstr("\r\n\r\nmmmmmmmmmm"));
  EXPECT_THAT(Get("/config"), HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(Get("/nothing"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(Get("/readyz"), StartsWith("HTTP/1.1 200 "));
  ready_ = false;
  EXPECT_THAT(Get("/readyz"), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(Get("/readyz"), HasSubstr("\r\n\r\nno configuration\n"));
}

TEST_F(AdminServerTest, ALargePageArrivesWhole) {
  metrics_bytes_ = std::size_t{8} << 20;
  Start(kNever);
  EXPECT_TRUE(Get("/metrics").ends_with("\r\n\r\n" + std::string(metrics_bytes_, 'm')));
}

TEST_F(AdminServerTest, ARequestMayComeInAnyPieces) {
  Start(kNever);
  TcpClient client(address());
  for (const char byte : kHealthRequest) {
    ASSERT_TRUE(client.Send(std::string(1, byte)));
  }
  EXPECT_THAT(client.Receive(kEverything), StartsWith("HTTP/1.1 200 "));
}

TEST_F(AdminServerTest, ARequestWhoseSenderHasFinishedSendingIsAnswered) {
  Start(kNever);
  TcpClient client(address());
  ASSERT_TRUE(client.Send(kHealthRequest));
  client.FinishSending();
  EXPECT_THAT(client.Receive(kEverything), StartsWith("HTTP/1.1 200 "));
}

TEST_F(AdminServerTest, AClientThatEndsBeforeItsRequestDoesGetsNothing) {
  Start(kNever);
  TcpClient client(address());
  ASSERT_TRUE(client.Send("GET /healthz HT"));
  client.FinishSending();
  EXPECT_EQ(client.Receive(kEverything), "");
}

TEST_F(AdminServerTest, AScraperKeepsItsConnection) {
  Start(kNever);
  TcpClient scraper(address());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(scraper.Send("GET /metrics HTTP/1.1\r\n\r\n"));
    EXPECT_THAT(scraper.ReceiveUntil("\r\n\r\nmmmmmmmmmm"), StartsWith("HTTP/1.1 200 "));
  }
}

TEST_F(AdminServerTest, PipelinedRequestsAreAnsweredUpToTheOneThatEndsTheConnection) {
  Start(kNever);
  const std::string answer =
      Ask("GET /metrics HTTP/1.1\r\n\r\n" + kHealthRequest + "GET /config HTTP/1.1\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("mmmmmmmmmmHTTP/1.1 200 "));
  EXPECT_TRUE(answer.ends_with("\r\n\r\nok\n")) << answer;
}

TEST_F(AdminServerTest, ABodyDoesNotResetTheAnswerAway) {
  Start(kNever);
  const std::string answer = Ask("POST /config HTTP/1.1\r\nContent-Length: 4194304\r\n\r\n" +
                                 std::string(std::size_t{4} << 20, 'b'));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(answer, HasSubstr("Allow: GET, HEAD\r\n"));
}

TEST_F(AdminServerTest, ARequestThatIsTooLongIsToldSo) {
  Start(kNever);
  const std::string long_text(2 * limits::kHttpHeaderBytes, 'a');
  EXPECT_THAT(Ask("GET /" + long_text), StartsWith("HTTP/1.1 414 "));
  EXPECT_THAT(Ask("GET / HTTP/1.1\r\nCookie: " + long_text), StartsWith("HTTP/1.1 431 "));
}

TEST_F(AdminServerTest, WhatIsNotARequestIsToldSo) {
  Start(kNever);
  EXPECT_THAT(Ask("hello\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Ask(std::string("\x16\x03\x01\0\xff\r\n\0", 8)), StartsWith("HTTP/1.1 400 "));
  EXPECT_TRUE(Healthy());
}

TEST_F(AdminServerTest, AClientThatSaysNothingIsClosedAtTheDeadlineAndNotBefore) {
  const auto begin = std::chrono::steady_clock::now();
  Start(milliseconds(100));
  TcpClient client(address());
  EXPECT_TRUE(client.AtEnd());
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(100));
}

TEST_F(AdminServerTest, AClientThatDribblesIsCutByTheDeadlineAndHoldsUpNobody) {
  Start(milliseconds(200));
  TcpClient slow(address());
  ASSERT_TRUE(slow.Send("GET /"));
  EXPECT_TRUE(Eventually([&] {
    EXPECT_TRUE(Healthy());
    return !slow.Send("a");
  }));
  EXPECT_THAT(slow.Receive(kEverything), StartsWith("HTTP/1.1 408 "));
}

TEST_F(AdminServerTest, AClientThatDoesNotReadIsCutByTheDeadlineAndHoldsUpNobody) {
  metrics_bytes_ = std::size_t{32} << 20;
  Start(milliseconds(300));
  TcpClient slow(address());
  ASSERT_TRUE(slow.Send("GET /metrics HTTP/1.1\r\n\r\n"));
  TcpClient later(address());
  EXPECT_TRUE(Healthy());
  ASSERT_TRUE(later.AtEnd());  // Its deadline came after that of the first.
  EXPECT_LT(slow.Receive(kEverything).size(), metrics_bytes_);
}

TEST_F(AdminServerTest, AClientThatStaysAfterItsAnswerIsClosedAtTheDeadline) {
  Start(milliseconds(100));
  TcpClient client(address());
  ASSERT_TRUE(client.Send(kHealthRequest));
  ASSERT_THAT(client.Receive(kEverything), StartsWith("HTTP/1.1 200 "));
  EXPECT_TRUE(Eventually([&] { return !client.Send("more"); }));
}

TEST_F(AdminServerTest, MoreClientsThanItTakesCloseTheOldestAndKeepNobodyOut) {
  Start(kNever);
  std::vector<TcpClient> silent;
  for (std::size_t i = 0; i < limits::kAdminConnections; ++i) {
    ASSERT_TRUE(silent.emplace_back(address()).connected());
  }
  EXPECT_TRUE(Healthy());
  EXPECT_TRUE(silent.front().AtEnd());
  ASSERT_TRUE(silent.back().Send(kHealthRequest));
  EXPECT_THAT(silent.back().Receive(kEverything), StartsWith("HTTP/1.1 200 "));
}

TEST_F(AdminServerTest, ManyClientsAtOnceAreAllAnswered) {
  Start(kNever);
  std::atomic<int> answered{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      for (int n = 0; n < 10; ++n) answered += Healthy() ? 1 : 0;
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(answered, 40);
}

TEST_F(AdminServerTest, ItsEndClosesItsClientsAndItsAddress) {
  Start(kNever);
  const std::string where = address();
  TcpClient client(where);
  ASSERT_TRUE(Healthy());  // The server has taken the first one too.
  server_ = nullptr;
  EXPECT_EQ(client.Receive(1), "");
  EXPECT_FALSE(test::CanConnect(where));
}

TEST_F(AdminServerTest, AnAddressThatOtherHostsCanReachIsRefusedUnlessAllowed) {
  for (const char* address : {"0.0.0.0:0", "[::]:0", "192.0.2.1:9000", "[::ffff:192.0.2.1]:9000"}) {
    const auto refused = TryStart({.address = address});
    ASSERT_FALSE(refused) << address;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(refused.error().message, HasSubstr("'" + std::string(address) + "'"));
  }
  EXPECT_TRUE(TryStart({.address = "0.0.0.0:0", .allow_remote = true}));
  EXPECT_TRUE(TryStart({.address = "127.0.0.2:0"}));
}

TEST_F(AdminServerTest, WhatIsNotAnAddressIsRefused) {
  for (const char* address : {"", "9000", "localhost", "127.0.0.1:99999", "unix:"}) {
    const auto refused = TryStart({.address = address});
    ASSERT_FALSE(refused) << address;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(refused.error().message, StartsWith("admin address "));
  }
}

TEST_F(AdminServerTest, ATakenPortIsAnErrorThatNamesIt) {
  Start(kNever);
  const auto second = TryStart({.address = address()});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message,
            "admin address '" + address() + "' cannot be used: Address already in use");
  EXPECT_TRUE(Healthy());
}

class AdminUnixSocketTest : public AdminServerTest {
 protected:
  // A client that is told 200, on a unix socket.
  bool HealthyAt(const std::string& path) {
    const UniqueFd fd = Connect(path);
    if (!fd) return false;
    const std::string_view request = kHealthRequest;
    if (send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return false;
    char answer[12];
    return recv(fd.get(), answer, sizeof(answer), MSG_WAITALL) == sizeof(answer) &&
           std::string_view(answer, sizeof(answer)) == "HTTP/1.1 200";
  }
  static sockaddr_un AddressOf(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    return address;
  }
  static UniqueFd Connect(const std::string& path) {
    UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un address = AddressOf(path);
    if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      return UniqueFd();
    }
    return fd;
  }

  TempDir dir_;
  const std::string path_ = dir_.File("admin.sock");
};

TEST_F(AdminUnixSocketTest, IsServedAndRemovedAtTheEnd) {
  Start(kNever, "unix:" + path_);
  EXPECT_TRUE(HealthyAt(path_));
  server_ = nullptr;
  EXPECT_NE(access(path_.c_str(), F_OK), 0);
}

TEST_F(AdminUnixSocketTest, ReplacesTheSocketOfAProcessThatDied) {
  {
    const UniqueFd dead(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un address = AddressOf(path_);
    ASSERT_EQ(bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }
  Start(kNever, "unix:" + path_);
  EXPECT_TRUE(HealthyAt(path_));
}

TEST_F(AdminUnixSocketTest, TakesNeitherALiveSocketNorAFile) {
  Start(kNever, "unix:" + path_);
  EXPECT_FALSE(TryStart({.address = "unix:" + path_}));
  EXPECT_TRUE(HealthyAt(path_));
  const std::string file = dir_.Write("file", "precious");
  EXPECT_FALSE(TryStart({.address = "unix:" + file}));
  EXPECT_EQ(test::ReadFile(file), "precious");
}

}  // namespace
}  // namespace sluice::dataplane
