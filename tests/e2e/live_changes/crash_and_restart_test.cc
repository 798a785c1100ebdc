// What is left when a process dies at the worst moment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/support/api_client.h"
#include "tests/support/redis_server.h"
#include "tests/support/sluice_processes.h"
#include "tests/support/tcp_client.h"

namespace sluice::test {
namespace {

using testing::HasSubstr;

std::string RedisManifest(const std::string& listener, const std::string& endpoint, int weight) {
  return "apiVersion: sluice.dev/v1\nkind: Upstream\nmetadata: {name: redis}\nspec:\n  endpoints:\n"
         "  - {address: \"" +
         endpoint + "\", weight: " + std::to_string(weight) +
         "}\n---\n"
         "apiVersion: sluice.dev/v1\nkind: Listener\nmetadata: {name: redis}\nspec:\n  address: "
         "\"" +
         listener + "\"\n  routes:\n  - {proxy: {upstream: redis}}\n";
}

bool SaysPong(TcpClient& client) {
  return client.connected() && client.Send("PING\r\n") &&
         client.ReceiveUntil("\r\n") == "+PONG\r\n";
}

// Is a configuration that speaks of `address` on disk?
bool HasSaved(const DataPlane& data_plane, const std::string& address) {
  return ReadFile(data_plane.state_dir() + "/last-good").find(address) != std::string::npos;
}

TEST(CrashTest, KillingTheControlPlaneDuringAppliesLosesNothingAcknowledged) {
  RedisServer redis;
  PortLease listener;
  ControlPlane control_plane;
  DataPlane data_plane({.control_plane = control_plane.xds()});
  ApplyAndWait(control_plane.api(), RedisManifest(listener.Address(), redis.Address(), 1));
  TcpClient session(listener.Address());
  ASSERT_TRUE(SaysPong(session));

  int weight = 1;
  for (int round = 0; round < 5; ++round) {
    std::atomic<bool> stop{false};
    std::atomic<int> acknowledged{weight};
    std::atomic<int> sent{weight};
    std::thread applier([&] {
      ApiClient api(control_plane.api());
      while (!stop) {
        const int next = sent + 1;
        sent = next;
        if (api.Apply(RedisManifest(listener.Address(), redis.Address(), next)) < 0) return;
        acknowledged = next;
      }
    });
    ASSERT_TRUE(Eventually([&] { return acknowledged >= weight + 10; }));
    control_plane.Kill();
    stop = true;
    applier.join();
    ASSERT_TRUE(SaysPong(session)) << "the session did not survive the crash";
    TcpClient fresh(listener.Address());
    ASSERT_TRUE(SaysPong(fresh)) << "no new session while the control plane is down";

    control_plane.Start();
    const ProcessResult stored =
        Ctl(control_plane.api(), {"get", "upstream", "redis", "-o", "json"});
    ASSERT_EQ(stored.status, 0) << stored.err;
    // What was acknowledged is there; of what was cut off, all or nothing.
    bool found = false;
    for (int w = acknowledged; w <= sent; ++w) {
      found = found || stored.out.find("\"weight\": " + std::to_string(w)) != std::string::npos;
    }
    ASSERT_TRUE(found) << "acknowledged weight " << acknowledged << ", sent " << sent << ":\n"
                       << stored.out;
    weight = sent + 1;
    ApplyAndWait(control_plane.api(), RedisManifest(listener.Address(), redis.Address(), weight));
    ASSERT_TRUE(SaysPong(session));
  }
}

TEST(CrashTest, ARestartedDataPlaneServesItsSavedStateWhileTheControlPlaneIsDown) {
  RedisServer redis;
  PortLease listener;
  ControlPlane control_plane;
  DataPlane data_plane({.control_plane = control_plane.xds()});
  ApplyAndWait(control_plane.api(), RedisManifest(listener.Address(), redis.Address(), 1));
  ASSERT_TRUE(Eventually([&] { return data_plane.Ready(); }));
  // Saving follows the swap and delays nothing.
  ASSERT_TRUE(Eventually([&] { return HasSaved(data_plane, listener.Address()); }));
  control_plane.Kill();
  data_plane.Kill();
  data_plane.Start();
  ASSERT_TRUE(Eventually([&] { return data_plane.Ready(); })) << data_plane.process().Err();
  TcpClient session(listener.Address());
  EXPECT_TRUE(SaysPong(session));
  EXPECT_THAT(data_plane.Admin("/config"), HasSubstr("\"stale\":true"));

  // Back again, it takes the difference only and is no longer stale; the session stays.
  control_plane.Start();
  ApplyAndWait(control_plane.api(), RedisManifest(listener.Address(), redis.Address(), 2));
  EXPECT_TRUE(Eventually([&] {
    return data_plane.Admin("/config").find("\"stale\":false") != std::string::npos;
  })) << data_plane.Admin("/config");
  EXPECT_TRUE(SaysPong(session));
}

TEST(CrashTest, ADamagedStateFileIsReportedAndIgnored) {
  RedisServer redis;
  PortLease listener;
  ControlPlane control_plane;
  DataPlane data_plane({.control_plane = control_plane.xds()});
  ApplyAndWait(control_plane.api(), RedisManifest(listener.Address(), redis.Address(), 1));
  ASSERT_TRUE(Eventually([&] { return HasSaved(data_plane, listener.Address()); }));
  data_plane.Stop();
  const ProcessResult damaged = test::Run(
      {"sh", "-c", "for f in " + data_plane.state_dir() + "/*; do printf garbage >> $f; done"});
  ASSERT_EQ(damaged.status, 0) << damaged.err;
  data_plane.Start();
  EXPECT_TRUE(Eventually([&] { return data_plane.Ready(); })) << data_plane.process().Err();
  EXPECT_THAT(data_plane.process().Err(), HasSubstr(data_plane.state_dir()));
  TcpClient session(listener.Address());
  EXPECT_TRUE(SaysPong(session));
}

}  // namespace
}  // namespace sluice::test
