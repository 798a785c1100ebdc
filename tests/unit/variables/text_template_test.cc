#include "dataplane/variables/text_template.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "common/model/variables.h"
#include "dataplane/config/runtime_config.h"
#include "dataplane/config/worker_upstream.h"
#include "dataplane/log/access_log.h"
#include "tests/support/source_tree.h"

namespace sluice::dataplane {
namespace {

using std::chrono::milliseconds;
using Missing = TextTemplate::Missing;

std::string Render(std::string_view text, const SessionState& session,
                   Missing missing = Missing::kDash) {
  const auto compiled = TextTemplate::Compile(text, missing);
  EXPECT_TRUE(compiled) << compiled.error().message;
  std::string out = "before:";
  (*compiled)->Render(session, out);
  EXPECT_EQ(out.substr(0, 7), "before:") << "Render appends";
  return out.substr(7);
}

// The session's route goes to this upstream.
void RouteToOrders(SessionState& session) {
  auto upstream = std::make_shared<UpstreamConfig>();
  upstream->name = "shop/orders";
  upstream->shared = std::make_shared<UpstreamShared>(upstream->name, 0, 1);
  std::vector<BalanceEndpoint> endpoints;
  for (const char* text : {"10.0.0.1:5432", "[2001:db8::1]:5432", "unix:/run/db.sock"}) {
    BalanceEndpoint& endpoint = endpoints.emplace_back();
    endpoint.address = *SocketAddress::Parse(text);
    endpoint.text = text;
    endpoint.state = std::make_shared<EndpointState>();
  }
  upstream->balancer = std::make_unique<const Balancer>(BalancePolicy::kRoundRobin,
                                                        std::move(endpoints), PassiveHealth{});
  auto listener = std::make_shared<ListenerConfig>();
  listener->upstreams = {upstream->shared};
  session.listener = std::move(listener);
  session.route = 0;
  session.upstream = std::make_shared<WorkerUpstream>(std::move(upstream), nullptr, 0);
}

SessionState ClosedSession(CloseReason reason) {
  SessionState session;
  session.id = 42;
  session.client = *SocketAddress::Parse("192.0.2.7:40312");
  session.local = *SocketAddress::Parse("[2001:db8::53]:5432");
  session.start = MonotonicTime(milliseconds(1000));
  session.end = MonotonicTime(milliseconds(2234));
  session.bytes_received = 10;
  session.bytes_sent = 18'446'744'073'709'551'615ULL;
  session.close_reason = reason;
  auto listener = std::make_shared<ListenerConfig>();
  listener->ns = "shop";
  listener->name = "orders-db";
  session.listener = listener;
  return session;
}

TEST(TextTemplate, HasTheAddressesOfAnIpSession) {
  const SessionState session = ClosedSession(CloseReason::kFinished);
  EXPECT_EQ(Render("$remote_addr|$remote_port|$server_addr|$server_port", session),
            "192.0.2.7|40312|2001:db8::53|5432");
}

TEST(TextTemplate, HasNoPortsForAUnixSession) {
  SessionState session = ClosedSession(CloseReason::kFinished);
  session.client = SocketAddress::FromSockaddr(nullptr, 0);
  session.local = *SocketAddress::Parse("unix:/run/sluice.sock");
  EXPECT_EQ(
      Render("$remote_addr|$remote_port|$server_addr|$server_port|$binary_remote_addr", session),
      "unix:|-|unix:/run/sluice.sock|-|unix:");
}

TEST(TextTemplate, BinaryAddressIsTheRawBytesInAKeyAndEscapedInALog) {
  SessionState session = ClosedSession(CloseReason::kFinished);
  EXPECT_EQ(Render("$binary_remote_addr", session, Missing::kEmpty), std::string("\xC0\0\2\7", 4));
  EXPECT_EQ(Render("$binary_remote_addr", session), "\\xC0\\x00\\x02\\x07");
  session.client = *SocketAddress::Parse("[2001:db8::53]:1");
  EXPECT_EQ(Render("$binary_remote_addr", session, Missing::kEmpty).size(), 16U);
}

TEST(TextTemplate, SaysWhatPassedAndHowItEnded) {
  const SessionState session = ClosedSession(CloseReason::kIdleTimeout);
  EXPECT_EQ(Render("$protocol $status $bytes_received $bytes_sent $session_time $connection "
                   "$close_reason $close_phase $close_side $listener $namespace",
                   session),
            "TCP 200 10 18446744073709551615 1.234 42 idle_timeout relay sluice orders-db shop");
}

TEST(TextTemplate, NamesThePhaseThatHasClosedTheSession) {
  SessionState session = ClosedSession(CloseReason::kPhaseTimeout);
  session.phase = Phase::kAccess;
  EXPECT_EQ(Render("$close_reason $close_phase", session), "phase_timeout access");
}

TEST(TextTemplate, HasNginxsStatusForEachEnd) {
  EXPECT_EQ(Render("$status", ClosedSession(CloseReason::kOpen)), "000");
  EXPECT_EQ(Render("$status", ClosedSession(CloseReason::kAccessDenied)), "403");
  EXPECT_EQ(Render("$status", ClosedSession(CloseReason::kNoRoute)), "500");
  EXPECT_EQ(Render("$status", ClosedSession(CloseReason::kConnectFailed)), "502");
  EXPECT_EQ(Render("$status", ClosedSession(CloseReason::kKeyLimit)), "503");
}

TEST(TextTemplate, UdpSessionsSayUdp) {
  SessionState session = ClosedSession(CloseReason::kUdpIdle);
  session.protocol = Protocol::kUdp;
  EXPECT_EQ(Render("$protocol", session), "UDP");
}

TEST(TextTemplate, JoinsTheTriesOfASession) {
  SessionState session = ClosedSession(CloseReason::kFinished);
  RouteToOrders(session);
  Attempt failed;
  failed.endpoint = 0;
  failed.error = ETIMEDOUT;
  failed.session_time = milliseconds(5000);
  Attempt used;
  used.endpoint = 1;
  used.connect_time = milliseconds(1);
  used.first_byte_time = milliseconds(20);
  used.session_time = milliseconds(1005);
  used.bytes_sent = 300;
  used.bytes_received = 4000;
  session.attempts = {failed, used};

  EXPECT_EQ(Render("$upstream", session), "orders");
  EXPECT_EQ(Render("$upstream_addr", session), "10.0.0.1:5432, [2001:db8::1]:5432");
  EXPECT_EQ(Render("$upstream_error", session), "ETIMEDOUT, -");
  EXPECT_EQ(Render("$upstream_bytes_sent", session), "0, 300");
  EXPECT_EQ(Render("$upstream_bytes_received", session), "0, 4000");
  EXPECT_EQ(Render("$upstream_connect_time", session), "-, 0.001");
  EXPECT_EQ(Render("$upstream_first_byte_time", session), "-, 0.020");
  EXPECT_EQ(Render("$upstream_session_time", session), "5.000, 1.005");
}

TEST(TextTemplate, NamesTheUpstreamWhereNoEndpointWasFound) {
  SessionState session = ClosedSession(CloseReason::kNoEndpoint);
  RouteToOrders(session);
  EXPECT_EQ(Render("$upstream_addr|$upstream_connect_time|$upstream_bytes_sent", session),
            "orders|-|0");
  session.attempts.emplace_back().endpoint = 2;
  EXPECT_EQ(Render("$upstream_addr", session), "unix:/run/db.sock, orders");
}

TEST(TextTemplate, MarksWhatASessionDoesNotHave) {
  SessionState session = ClosedSession(CloseReason::kConnectionLimit);
  EXPECT_EQ(Render("$upstream|$upstream_addr|$upstream_session_time|$access_policy", session),
            "-|-|-|-");
  EXPECT_EQ(Render("$limit_conn_status", session), "-");
  session.limit_status = LimitStatus::kRejected;
  EXPECT_EQ(Render("$limit_conn_status", session), "REJECTED");
  session.limit_status = LimitStatus::kPassed;
  session.access_policy = "office-only";
  EXPECT_EQ(Render("$limit_conn_status $access_policy", session), "PASSED office-only");
}

TEST(TextTemplate, AnAbsentValueOfAKeyIsEmpty) {
  SessionState session = ClosedSession(CloseReason::kOpen);
  session.client = SocketAddress::FromSockaddr(nullptr, 0);
  EXPECT_EQ(Render("$remote_port", session, Missing::kEmpty), "");
}

TEST(TextTemplate, EscapesValuesSoThatNoClientCanForgeALine) {
  SessionState session = ClosedSession(CloseReason::kFinished);
  session.local = *SocketAddress::Parse("unix:/run/a\"b\\c\nd\x7f\xc3\xbc");
  EXPECT_EQ(Render("[$server_addr]", session), "[unix:/run/a\\x22b\\x5Cc\\x0Ad\\x7F\\xC3\\xBC]");
}

TEST(TextTemplate, KeepsTheTextBetweenVariablesAsWritten) {
  const SessionState session = ClosedSession(CloseReason::kFinished);
  EXPECT_EQ(Render("\"${connection}th\" costs $$5", session), "\"42th\" costs $5");
}

TEST(TextTemplate, KnowsTheProcess) {
  const SessionState session = ClosedSession(CloseReason::kFinished);
  EXPECT_EQ(Render("$pid", session), std::to_string(getpid()));
  EXPECT_NE(Render("$hostname", session), "-");
}

TEST(TextTemplate, RendersEveryVariable) {
  const SessionState session = ClosedSession(CloseReason::kFinished);
  for (const model::Variable& variable : model::Variables()) {
    EXPECT_FALSE(Render("${" + std::string(variable.name) + "}", session).empty()) << variable.name;
  }
}

TEST(TextTemplate, RefusesAnUnknownVariable) {
  const auto compiled = TextTemplate::Compile("$remote_adr", Missing::kDash);
  ASSERT_FALSE(compiled);
  EXPECT_NE(compiled.error().message.find("did you mean '$remote_addr'"), std::string::npos)
      << compiled.error().message;
}

TEST(TextTemplate, RefusesAKeyThatIsOnlyKnownAtTheEnd) {
  EXPECT_FALSE(TextTemplate::Compile("$bytes_sent", Missing::kEmpty));
}

TEST(VariablesPage, ListsEveryVariableInOrder) {
  std::ifstream file(test::SourceFile("docs/reference/variables.md"));
  const std::string page(std::istreambuf_iterator<char>(file), {});
  std::size_t at = 0;
  for (const model::Variable& variable : model::Variables()) {
    const std::string row = "\n| `$" + std::string(variable.name) + "` | " +
                            (variable.known == model::KnownSince::kAccept ? "yes" : "no") + " | ";
    const std::size_t found = page.find(row, at);
    EXPECT_NE(found, std::string::npos) << "missing or out of order:" << row;
    if (found != std::string::npos) at = found;
  }
  std::size_t rows = 0;
  for (at = 0; (at = page.find("\n| `$", at)) != std::string::npos; ++at) ++rows;
  EXPECT_EQ(rows, model::Variables().size());
}

TEST(TextTemplate, TheDefaultAccessLogIsTheOneThatTheReferencePageShows) {
  ASSERT_TRUE(TextTemplate::Compile(kDefaultAccessLogFormat, Missing::kDash));
  std::ifstream file(test::SourceFile("docs/reference/variables.md"));
  const std::string page(std::istreambuf_iterator<char>(file), {});
  EXPECT_NE(page.find("\n" + std::string(kDefaultAccessLogFormat) + "\n"), std::string::npos);
}

}  // namespace
}  // namespace sluice::dataplane
