// A data plane leaves in order, and the control plane knows of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/support/sluice_processes.h"
#include "tests/support/tag_server.h"
#include "tests/support/tcp_client.h"

namespace sluice::test {
namespace {

using testing::ContainsRegex;

TEST(Draining, IsWhatTheFleetSaysOfADataPlaneThatShutsDownAndNobodyWaitsForIt) {
  const TagServer a('a');
  const PortLease front;
  const ControlPlane control_plane;
  const std::string manifest = ProxyManifest(front.Address(), a.address());
  DataPlane data_plane({.control_plane = control_plane.xds(), .shutdown_delay = "1h"});
  ApplyAndWait(control_plane.api(), manifest);
  data_plane.process().Signal(SIGTERM);
  EXPECT_TRUE(Eventually([&] {
    return Ctl(control_plane.api(), {"fleet"}).out.find(" draining ") != std::string::npos;
  }));
  EXPECT_EQ(TagAt(front.Address()), 'a');
  EXPECT_THAT(Ctl(control_plane.api(), {"describe", "dataplane", "node-1"}).out,
              ContainsRegex("Connected +True +Draining"));
  const ProcessResult applied = Ctl(control_plane.api(), {"apply", "--wait", "-"},
                                    ProxyManifest(front.Address(), "127.0.0.1:1"));
  EXPECT_EQ(applied.status, 0) << applied.err;
}

}  // namespace
}  // namespace sluice::test
