// The reason for this project: the configuration changes a thousand times under real Redis,
// PostgreSQL and DNS traffic, and no client notices.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/support/api_client.h"
#include "tests/support/dns_server.h"
#include "tests/support/postgres_server.h"
#include "tests/support/redis_server.h"
#include "tests/support/sluice_processes.h"
#include "tests/support/tcp_client.h"

namespace sluice::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr int kGenerations = 1000;

// Runs one load again and again until told to stop; every run must succeed.
class RepeatedLoad {
 public:
  RepeatedLoad(std::string name, std::vector<std::string> command,
               std::function<bool(const ProcessResult&)> is_clean)
      : name_(std::move(name)), thread_([this, command, is_clean] {
          while (!stop_) {
            const ProcessResult result = Run(command, {}, std::chrono::seconds(120));
            ++runs_;
            if (!is_clean(result)) {
              failure_ = result.out + result.err;
              failed_ = true;
              return;
            }
          }
        }) {}
  ~RepeatedLoad() { Stop(); }

  void Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  bool failed() const { return failed_; }
  int runs() const { return runs_; }
  // After Stop().
  std::string failure() const { return name_ + ":\n" + failure_; }

 private:
  std::string name_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> failed_{false};
  std::atomic<int> runs_{0};
  std::string failure_;
  std::thread thread_;
};

struct Addresses {
  std::string redis_a, redis_b, postgres, dns;
  std::string redis_listener, postgres_listener, dns_listener, spare_listener;
};

// Every step changes something else of what the sessions run on.
std::string Manifest(const Addresses& at, int step) {
  std::string yaml;
  const std::string weight = std::to_string(1 + step % 7);
  yaml +=
      "apiVersion: sluice.dev/v1\nkind: Upstream\nmetadata: {name: redis}\nspec:\n  balance: "
      "{policy: " +
      std::string(step % 3 == 0 ? "ROUND_ROBIN" : "LEAST_CONNECTIONS") +
      "}\n  endpoints:\n  - {address: \"" + at.redis_a + "\", weight: " + weight + "}\n";
  if (step % 2 == 1) yaml += "  - {address: \"" + at.redis_b + "\"}\n";
  yaml +=
      "---\napiVersion: sluice.dev/v1\nkind: Upstream\nmetadata: {name: postgres}\nspec:\n  "
      "endpoints:\n  - {address: \"" +
      at.postgres + "\", weight: " + weight + "}\n";
  yaml +=
      "---\napiVersion: sluice.dev/v1\nkind: Upstream\nmetadata: {name: dns}\nspec:\n  "
      "endpoints:\n  - {address: \"" +
      at.dns + "\", weight: " + weight + "}\n";
  yaml +=
      "---\napiVersion: sluice.dev/v1\nkind: AccessPolicy\nmetadata: {name: local}\nspec:\n  "
      "defaultAction: DENY\n  rules:\n  - {action: DENY, sources: [\"192.0.2." +
      std::to_string(step % 250) + "\"]}\n  - {action: ALLOW, sources: [\"127.0.0.0/8\"]}\n";
  const auto listener = [&](const std::string& name, const std::string& address,
                            const std::string& upstream, const std::string& more) {
    yaml += "---\napiVersion: sluice.dev/v1\nkind: Listener\nmetadata: {name: " + name +
            "}\nspec:\n  address: \"" + address +
            "\"\n  accessPolicies: [local]\n  routes:\n  - {proxy: {upstream: " + upstream +
            "}}\n" + more;
  };
  const std::string timeouts = "  timeouts: {idle: " + std::to_string(600 + step) + "s}\n";
  listener("redis", at.redis_listener, "redis", timeouts);
  listener("postgres", at.postgres_listener, "postgres", timeouts);
  listener("dns", at.dns_listener, "dns",
           "  protocol: UDP\n  udp: {idle: " + std::to_string(10 + step % 5) + "s}\n");
  // One more listener that moves between two upstreams.
  listener("spare", at.spare_listener, step % 2 == 0 ? "redis" : "postgres", "");
  return yaml;
}

bool SaysPong(TcpClient& client) {
  return client.Send("PING\r\n") && client.ReceiveUntil("\r\n") == "+PONG\r\n";
}

TEST(LiveChangesTest, AThousandGenerationsUnderRealTrafficLoseNothing) {
  RedisServer redis_a;
  RedisServer redis_b;
  PostgresServer postgres;
  DnsServer dns;
  PortLease redis_port, postgres_port, dns_port, spare_port;
  const Addresses at{redis_a.Address(),  redis_b.Address(),    postgres.Address(),
                     dns.Address(),      redis_port.Address(), postgres_port.Address(),
                     dns_port.Address(), spare_port.Address()};
  ControlPlane control_plane;
  DataPlane data_plane(
      {.control_plane = control_plane.xds(), .more_flags = {"--drain-timeout", "1s"}});
  ApplyAndWait(control_plane.api(), Manifest(at, 0));

  const std::string pgbench = PostgresServer::BinDir() + "/pgbench";
  const std::vector<std::string> to_postgres = {
      "-h", "127.0.0.1", "-p", std::to_string(postgres_port.port()), "-U", "postgres"};
  std::vector<std::string> fill = {pgbench, "-i", "-q", "-s", "1"};
  fill.insert(fill.end(), to_postgres.begin(), to_postgres.end());
  fill.push_back("postgres");
  const ProcessResult filled = test::Run(fill, {}, std::chrono::seconds(60));
  ASSERT_EQ(filled.status, 0) << filled.err;

  // Sessions that are there before the first change.
  std::vector<TcpClient> sessions;
  for (int i = 0; i < 50; ++i) {
    sessions.emplace_back(at.redis_listener);
    ASSERT_TRUE(SaysPong(sessions.back()));
  }

  std::vector<std::string> query = {pgbench, "-n", "-S", "-c", "4", "-t", "200"};
  query.insert(query.end(), to_postgres.begin(), to_postgres.end());
  query.push_back("postgres");
  TempDir dir;
  const std::string names = dir.Write("names", "a.test A\nb.test A\nc.test A\n");
  RepeatedLoad redis_load("redis-benchmark",
                          {"redis-benchmark", "-p", std::to_string(redis_port.port()), "-q", "-n",
                           "5000", "-c", "20", "-t", "get,set"},
                          [](const ProcessResult& result) {
                            return result.status == 0 &&
                                   (result.out + result.err).find("rror") == std::string::npos;
                          });
  RepeatedLoad postgres_load("pgbench", query, [](const ProcessResult& result) {
    return result.status == 0 &&
           result.out.find("number of failed transactions: 0 ") != std::string::npos;
  });
  RepeatedLoad dns_load("dnsperf",
                        {"dnsperf", "-s", "127.0.0.1", "-p", std::to_string(dns_port.port()), "-d",
                         names, "-n", "500", "-q", "10", "-c", "4", "-t", "20"},
                        [](const ProcessResult& result) {
                          return result.status == 0 &&
                                 result.out.find("Queries lost:         0 ") != std::string::npos;
                        });

  ApiClient api(control_plane.api());
  std::int64_t generation = 0;
  for (int step = 1; step <= kGenerations; ++step) {
    generation = api.Apply(Manifest(at, step));
    ASSERT_GT(generation, 0) << api.last_error();
    // Now and then the change is awaited, so that it is really made under the load.
    if (step % 50 == 0) {
      ASSERT_TRUE(Eventually([&] { return api.ActiveGeneration("node-1") >= generation; }))
          << data_plane.process().Err();
      ASSERT_TRUE(SaysPong(sessions[static_cast<std::size_t>(step / 50) % sessions.size()]));
    }
    ASSERT_FALSE(redis_load.failed() || postgres_load.failed() || dns_load.failed()) << step;
  }
  // Each load has at least one whole run behind it.
  EXPECT_TRUE(Eventually(
      [&] { return redis_load.runs() > 0 && postgres_load.runs() > 0 && dns_load.runs() > 0; }));
  redis_load.Stop();
  postgres_load.Stop();
  dns_load.Stop();
  EXPECT_FALSE(redis_load.failed()) << redis_load.failure();
  EXPECT_FALSE(postgres_load.failed()) << postgres_load.failure();
  EXPECT_FALSE(dns_load.failed()) << dns_load.failure();

  for (TcpClient& session : sessions) EXPECT_TRUE(SaysPong(session));
  EXPECT_TRUE(Eventually([&] { return api.ActiveGeneration("node-1") == generation; }));
  const std::string metrics = data_plane.Admin("/metrics");
  for (const std::string reason :
       {"client_reset", "endpoint_reset", "internal_error", "no_endpoint", "connect_failed",
        "udp_no_response", "access_denied"}) {
    EXPECT_THAT(metrics, Not(testing::ContainsRegex("reason=\"" + reason + "\"} [1-9]"))) << reason;
  }
  EXPECT_EQ(data_plane.Stop(), 0) << data_plane.process().Err();
  EXPECT_EQ(control_plane.Stop(), 0) << control_plane.process().Err();
}

}  // namespace
}  // namespace sluice::test
