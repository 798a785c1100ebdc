// Two control planes on one store: what one takes, the other serves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "tests/support/api_client.h"
#include "tests/support/redis_server.h"
#include "tests/support/sluice_processes.h"
#include "tests/support/tcp_client.h"

namespace sluice::test {
namespace {

using testing::HasSubstr;

std::string UpstreamOf(const std::string& name, const std::string& endpoint, int weight = 1) {
  return "apiVersion: sluice.dev/v1\nkind: Upstream\nmetadata: {name: " + name +
         "}\nspec:\n  endpoints:\n  - {address: \"" + endpoint +
         "\", weight: " + std::to_string(weight) + "}\n";
}

std::string RedisManifest(const std::string& listener, const std::string& endpoint) {
  return UpstreamOf("redis", endpoint) +
         "---\napiVersion: sluice.dev/v1\nkind: Listener\nmetadata: {name: redis}\nspec:\n"
         "  address: \"" +
         listener + "\"\n  routes:\n  - {proxy: {upstream: redis}}\n";
}

bool SaysPong(const std::string& listener) {
  TcpClient client(listener);
  return client.connected() && client.Send("PING\r\n") &&
         client.ReceiveUntil("\r\n") == "+PONG\r\n";
}

// The weight of the only endpoint of upstream `name` as this control plane tells it; -1: none.
int WeightAt(const ControlPlane& control_plane, const std::string& name) {
  const ProcessResult got = Ctl(control_plane.api(), {"get", "upstream", name, "-o", "json"});
  const std::string field = "\"weight\": ";
  const auto at = got.out.find(field);
  return at == std::string::npos ? -1 : std::stoi(got.out.substr(at + field.size()));
}

TEST(TwoControlPlanes, EachShowsAndStreamsWhatTheOtherWasGiven) {
  RedisServer redis;
  PortLease listener;
  ControlPlane one;
  ControlPlane other(one.store());
  DataPlane data_plane({.control_plane = one.xds()});

  const ProcessResult applied =
      Ctl(other.api(), {"apply", "-"}, RedisManifest(listener.Address(), redis.Address()));
  ASSERT_EQ(applied.status, 0) << applied.err;
  EXPECT_TRUE(Eventually([&] { return SaysPong(listener.Address()); }))
      << "the data plane of one runs what the other was given:\n"
      << one.process().Err();
  EXPECT_TRUE(Eventually([&] {
    return Ctl(one.api(), {"get", "listeners", "-o", "name"}).out.find("redis") !=
           std::string::npos;
  }));

  // The other way, and with a change of what the first one made.
  ApplyAndWait(one.api(), UpstreamOf("redis", redis.Address(), 7));
  EXPECT_TRUE(Eventually([&] { return WeightAt(other, "redis") == 7; }));
  ASSERT_EQ(Ctl(other.api(), {"delete", "listener", "redis"}).status, 0);
  EXPECT_TRUE(Eventually([&] { return !SaysPong(listener.Address()); }));
}

// Each change is based on the newest generation, so two that write at once get in each other's way:
// both have to get through, and what they wrote has to be there, on both.
TEST(TwoControlPlanes, BothGetThroughWhenBothAreWrittenTo) {
  constexpr int kChanges = 50;
  ControlPlane one;
  ControlPlane other(one.store());
  std::vector<std::thread> writers;
  std::atomic<int> applied = 0;
  for (const ControlPlane* control_plane : {&one, &other}) {
    writers.emplace_back([&, control_plane, name = control_plane == &one ? "one" : "other"] {
      ApiClient api(control_plane->api());
      for (int weight = 1; weight <= kChanges; ++weight) {
        while (api.Apply(UpstreamOf(name, "127.0.0.1:9", weight)) < 0) {
          ASSERT_THAT(api.last_error(), HasSubstr("the change was not stored"));
        }
        ++applied;
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  ASSERT_EQ(applied, 2 * kChanges);
  for (const ControlPlane* control_plane : {&one, &other}) {
    for (const char* name : {"one", "other"}) {
      EXPECT_TRUE(Eventually([&] { return WeightAt(*control_plane, name) == kChanges; })) << name;
    }
  }
}

TEST(TwoControlPlanes, OneGoesOnWithWhatWasStoredWhenTheOtherIsKilled) {
  RedisServer redis;
  PortLease listener;
  ControlPlane one;
  DataPlane data_plane({.control_plane = one.xds()});
  ApplyAndWait(one.api(), RedisManifest(listener.Address(), redis.Address()));
  int weight = 1;
  for (int round = 0; round < 3; ++round) {
    ControlPlane other(one.store());
    std::atomic<bool> stop{false};
    std::atomic<int> acknowledged{weight};
    std::atomic<int> sent{weight};
    std::thread applier([&] {
      ApiClient api(other.api());
      while (!stop) {
        const int next = ++sent;
        if (api.Apply(UpstreamOf("redis", redis.Address(), next)) < 0) return;
        acknowledged = next;
      }
    });
    EXPECT_TRUE(Eventually([&] { return acknowledged >= weight + 10; }));
    other.Kill();
    stop = true;
    applier.join();

    EXPECT_TRUE(Eventually([&] { return WeightAt(one, "redis") >= acknowledged; }));
    EXPECT_LE(WeightAt(one, "redis"), sent);
    weight = sent + 1;
    ApplyAndWait(one.api(), UpstreamOf("redis", redis.Address(), weight));
    EXPECT_EQ(WeightAt(one, "redis"), weight);
    EXPECT_TRUE(SaysPong(listener.Address()));
  }
}

}  // namespace
}  // namespace sluice::test
