// ctl with data planes: apply --wait, fleet, and the conditions that only they can meet.
#include <signal.h>

#include <chrono>
#include <memory>

#include "tests/integration/ctl/ctl_test.h"
#include "tests/support/port_lease.h"
#include "tests/support/tcp_client.h"

namespace sluice::test {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;

class Fleet : public CtlTest {
 protected:
  // Connected when it returns.
  std::unique_ptr<DataPlane> Node(const std::string& name) const {
    DataPlaneOptions options;
    options.node = name;
    options.control_plane = control_plane_.xds();
    options.labels = {"role=" + name};
    options.workers = 1;
    auto node = std::make_unique<DataPlane>(options);
    EXPECT_THAT(Run({"wait", "dataplane/" + name, "--for=create"}), Exits(0));
    return node;
  }
  PortLease port_;
};

TEST_F(Fleet, AnEmptyOneIsSaidToBeEmpty) {
  const ProcessResult result = Run({"fleet"});
  EXPECT_THAT(result, Exits(0));
  EXPECT_THAT(result.err, HasSubstr("No data planes found: none is connected"));
  EXPECT_THAT(Run({"fleet", "-o", "json"}).out, HasSubstr("\"items\": []"));
}

TEST_F(Fleet, ApplyAndWaitReturnsWhenTheListenerIsLive) {
  const auto node = Node("gw-1");
  const ProcessResult result =
      Run({"apply", "--wait", "-"}, UpstreamYaml("u") + ListenerYaml("l", port_.Address(), "u"));
  EXPECT_THAT(result, Exits(0));
  EXPECT_EQ(result.out, "upstream/u created\nlistener/l created\n");
  EXPECT_THAT(result.err, HasSubstr("generation 1 is in force on 1 data plane\n"));
  EXPECT_TRUE(CanConnect(port_.Address()));

  EXPECT_THAT(Run({"wait", "listener/l", "--for=condition=Programmed"}), Exits(0));
  EXPECT_THAT(Run({"wait", "listener/l"}), Exits(0));
  EXPECT_THAT(Run({"get", "listeners"}).out, ContainsRegex("\nl .* True +1/1 "));
  const ProcessResult fleet = Run({"fleet"});
  EXPECT_THAT(fleet, Exits(0));
  EXPECT_THAT(fleet.out,
              ContainsRegex("^NODE +VERSION +CONNECTED +WANTED +ACTIVE +SYNCED +REFUSALS"));
  EXPECT_THAT(fleet.out, ContainsRegex("\ngw-1 +[0-9.]+ +True +1 +1 +True +0 +0 "));

  EXPECT_THAT(Run({"delete", "listener", "l", "--wait"}), Exits(0));
  EXPECT_FALSE(CanConnect(port_.Address()));
}

TEST_F(Fleet, ApplyAndWaitFailsNamingNodeObjectAndReason) {
  const auto node = Node("gw-1");
  const ControlPlane neighbour;  // Has a port that the listener wants.
  const ProcessResult result = Run({"apply", "--wait", "--timeout", "20s", "-"},
                                   UpstreamYaml("u") + ListenerYaml("l", neighbour.api(), "u"));
  EXPECT_THAT(result, Exits(1));
  EXPECT_THAT(result.err, AllOf(HasSubstr("gw-1"), HasSubstr("listener/l"),
                                HasSubstr("AddressInUse"), HasSubstr("generation 1 is stored")));
  EXPECT_THAT(Run({"fleet"}).out, AllOf(HasSubstr("Refusals:"), HasSubstr("listener/l")));
  EXPECT_THAT(Run({"describe", "listener", "l"}).out, HasSubstr("AddressInUse"));
  const ProcessResult wait =
      Run({"wait", "listener/l", "--for=condition=Programmed", "--timeout", "300ms"});
  EXPECT_THAT(wait, Exits(1));
  EXPECT_THAT(wait.err, HasSubstr("Programmed is False"));
}

TEST_F(Fleet, ApplyAndWaitOutlastsARestartOfTheControlPlane) {
  const auto node = Node("gw-1");
  ApplyAndWait(control_plane_.api(), UpstreamYaml("u") + ListenerYaml("l", port_.Address(), "u"));
  node->process().Signal(SIGSTOP);
  const std::string file = dir_.Write("u.yaml", UpstreamYaml("u", "127.0.0.1:2"));
  Process apply({BinPath("ctl"), "--server", control_plane_.api(), "apply", "--wait", "--timeout",
                 "50s", file});
  ASSERT_TRUE(Eventually([&] {
    return apply.Err().find("0 of 1 data plane runs generation 2") != std::string::npos;
  })) << apply.Err();
  control_plane_.Kill();
  ASSERT_TRUE(Eventually([&] { return apply.Err().find("went away") != std::string::npos; }));
  control_plane_.Start();
  EXPECT_FALSE(Eventually([&] { return !apply.Running(); }, std::chrono::seconds(1)))
      << "the data plane has not come back, so nothing is known of it: " << apply.Err();
  node->process().Signal(SIGCONT);
  EXPECT_EQ(apply.Wait(std::chrono::seconds(50)), 0) << apply.Err();
  EXPECT_THAT(apply.Err(), HasSubstr("generation 2 is in force on 1 data plane\n"));
}

TEST_F(Fleet, ADataPlaneThatHasGoneIsShownAsGone) {
  const auto node = Node("gw-1");
  node->Kill();
  EXPECT_TRUE(Eventually([&] {
    return testing::Value(Run({"fleet"}).out, ContainsRegex("\ngw-1 +[0-9.]+ +False "));
  })) << Run({"fleet"}).out;
}

TEST_F(Fleet, ApplyAndWaitSaysAtTheDeadlineWhoLagsAndThatTheChangeIsStored) {
  const auto node = Node("gw-1");
  node->process().Signal(SIGSTOP);
  const ProcessResult result = Run({"apply", "--wait", "--timeout", "500ms", "-"},
                                   UpstreamYaml("u") + ListenerYaml("l", port_.Address(), "u"));
  node->process().Signal(SIGCONT);
  EXPECT_THAT(result, Exits(1));
  EXPECT_EQ(result.out, "upstream/u created\nlistener/l created\n");
  EXPECT_THAT(result.err, AllOf(HasSubstr("timed out after 500ms waiting for generation 1"),
                                HasSubstr("gw-1"), HasSubstr("The change is stored")));
  EXPECT_TRUE(Eventually([&] { return CanConnect(port_.Address()); }));
}

TEST_F(Fleet, ApplyAndWaitSaysWhichDataPlaneIsNotConnected) {
  const auto node = Node("gw-1");
  node->Kill();
  ASSERT_TRUE(Eventually([&] {
    return testing::Value(Run({"fleet"}).out, ContainsRegex("\ngw-1 +[0-9.]+ +False "));
  }));
  const ProcessResult result = Run({"apply", "--wait", "--timeout", "500ms", "-"},
                                   UpstreamYaml("u") + ListenerYaml("l", port_.Address(), "u"));
  EXPECT_THAT(result, Exits(1));
  EXPECT_THAT(result.err, HasSubstr("lagging: gw-1 (not connected, last seen "));
}

TEST_F(Fleet, SelectsNodesByLabelAndListsThemLikeAnyKind) {
  const auto one = Node("gw-1");
  const auto two = Node("gw-2");
  EXPECT_EQ(Run({"fleet", "-o", "name"}).out, "dataplane/gw-1\ndataplane/gw-2\n");
  EXPECT_EQ(Run({"fleet", "-o", "name", "-l", "role=gw-2"}).out, "dataplane/gw-2\n");
  EXPECT_EQ(Run({"get", "dataplanes", "-o", "name"}).out, "dataplane/gw-1\ndataplane/gw-2\n");
  EXPECT_THAT(Run({"describe", "dataplane", "gw-1"}).out, HasSubstr("Runs generation"));
  EXPECT_THAT(Run({"fleet", "-l", "role=none"}).err, HasSubstr("with these labels"));
}

TEST_F(Fleet, AnEndpointAddedWithWaitIsInForceWhenItReturns) {
  const auto node = Node("gw-1");
  ApplyAndWait(control_plane_.api(), UpstreamYaml("u") + ListenerYaml("l", port_.Address(), "u"));
  const ProcessResult result = Run({"endpoints", "add", "u", control_plane_.api(), "--wait"});
  EXPECT_THAT(result, Exits(0));
  EXPECT_THAT(result.err, HasSubstr("generation 2 is in force on 1 data plane\n"));
}

}  // namespace
}  // namespace sluice::test
