// A port that another process holds harms one listener, by name, and heals by itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/support/redis_server.h"
#include "tests/support/sluice_processes.h"
#include "tests/support/tcp_client.h"

namespace sluice::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

bool SaysPong(const std::string& address) {
  TcpClient client(address);
  return client.connected() && client.Send("PING\r\n") &&
         client.ReceiveUntil("\r\n") == "+PONG\r\n";
}

std::string Listener(const std::string& name, const std::string& address) {
  return "---\napiVersion: sluice.dev/v1\nkind: Listener\nmetadata: {name: " + name +
         "}\nspec:\n  address: \"" + address + "\"\n  routes:\n  - {proxy: {upstream: redis}}\n";
}

TEST(TakenPortTest, TheListenerIsRefusedByNameItsSiblingsGoLiveAndItHealsWhenThePortIsFree) {
  RedisServer redis;
  RedisServer intruder;
  const std::string taken = intruder.Address();
  PortLease free_port;
  ControlPlane control_plane;
  DataPlane data_plane({.node = "edge-7", .control_plane = control_plane.xds()});

  const ProcessResult applied =
      Ctl(control_plane.api(), {"apply", "--wait", "--timeout", "30s", "-"},
          "apiVersion: sluice.dev/v1\nkind: Upstream\nmetadata: {name: redis}\nspec:\n  "
          "endpoints:\n  - {address: \"" +
              redis.Address() + "\"}\n" + Listener("sibling", free_port.Address()) +
              Listener("taken", taken));
  EXPECT_NE(applied.status, 0);
  EXPECT_THAT(applied.err,
              AllOf(HasSubstr("edge-7"), HasSubstr("taken"), HasSubstr("AddressInUse")));
  EXPECT_TRUE(Eventually([&] { return SaysPong(free_port.Address()); }));
  const ProcessResult fleet = Ctl(control_plane.api(), {"fleet"});
  EXPECT_THAT(fleet.out, AllOf(HasSubstr("edge-7"), HasSubstr("taken"))) << fleet.err;

  intruder.process().Signal(SIGKILL);
  intruder.process().Wait();
  const ProcessResult healed =
      Ctl(control_plane.api(),
          {"wait", "listener/taken", "--for=condition=Programmed", "--timeout", "30s"});
  EXPECT_EQ(healed.status, 0) << healed.err;
  EXPECT_TRUE(SaysPong(taken));
}

}  // namespace
}  // namespace sluice::test
