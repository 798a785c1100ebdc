// What a data plane says of itself while something is wrong: its log, its pages and its metrics.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/sluice_processes.h"
#include "tests/support/tag_server.h"
#include "tests/support/tcp_client.h"
#include "tests/support/temp_dir.h"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

std::string Upstream(const std::string& endpoints) {
  return "apiVersion: sluice.dev/v1\nkind: Upstream\nmetadata: {name: web}\nspec: {passiveHealth: "
         "{maxFails: 1, failTimeout: 1s}, endpoints: [" +
         endpoints + "]}\n---\n";
}
std::string Listener(const std::string& name, const std::string& address,
                     const std::string& more = "") {
  return fmt::format(
      "apiVersion: sluice.dev/v1\nkind: Listener\nmetadata: {{name: {}}}\nspec: {{address: "
      "\"{}\", routes: [{{proxy: {{upstream: web}}}}]{}}}\n---\n",
      name, address, more);
}

class NodeStatus : public ::testing::Test {
 protected:
  void Start(const std::string& manifest) {
    DataPlaneOptions options;
    options.config = dir_.Write("config.yaml", manifest);
    options.workers = 1;
    data_plane_ = std::make_unique<DataPlane>(options);
  }
  bool EventuallyLogged(const std::string& text) {
    return Eventually([&] { return data_plane_->process().Err().find(text) != std::string::npos; });
  }

  TempDir dir_;
  PortLease front_;
  std::unique_ptr<DataPlane> data_plane_;
};

TEST_F(NodeStatus, AnEndpointThatGoesDownAndComesBackIsToldOnceEachWithTheCause) {
  const TagServer alive('a');
  const PortLease flaky;
  const std::string log = dir_.File("access.log");
  Start(Upstream(fmt::format("{{address: \"{}\", weight: 100}}, {{address: \"{}\"}}",
                             flaky.Address(), alive.address())) +
        Listener("front", front_.Address(),
                 ", accessLog: [{to: " + log + ", format: \"$upstream_addr|$upstream_error\"}]"));
  // A second session finds it down already.
  ASSERT_TRUE(Eventually([&] { return TagAt(front_.Address()) == 'a'; }));
  EXPECT_EQ(TagAt(front_.Address()), 'a');
  EXPECT_TRUE(EventuallyLogged(
      fmt::format("event=endpoint_down upstream=default/web endpoint={} error=ECONNREFUSED fails=1",
                  flaky.Address())));
  EXPECT_TRUE(Eventually([&] {
    return ReadFile(log).find(fmt::format("{}, {}|ECONNREFUSED, -", flaky.Address(),
                                          alive.address())) != std::string::npos;
  }));
  EXPECT_GE(data_plane_->Metric("sluice_upstream_connect_failures_total{upstream=\"default/web\","
                                "error=\"ECONNREFUSED\"}"),
            1);
  const TagServer back('b', flaky.port());
  ASSERT_TRUE(Eventually([&] { return TagAt(front_.Address()) == 'b'; }));
  EXPECT_TRUE(EventuallyLogged(
      fmt::format("event=endpoint_up upstream=default/web endpoint={}", flaky.Address())));
}

TEST_F(NodeStatus, AListenerThatIsOpenedAndAConfigurationInForceAreTold) {
  const TagServer endpoint('a');
  Start(Upstream("{address: \"" + endpoint.address() + "\"}") +
        Listener("front", front_.Address()));
  EXPECT_TRUE(EventuallyLogged(fmt::format(
      "event=listener_opened listener=default/front protocol=TCP address={}", front_.Address())));
  EXPECT_TRUE(EventuallyLogged("event=config_in_force"));
}

TEST_F(NodeStatus, ADataPlaneThatCanServeNoneOfItsListenersIsNotReady) {
  const TagServer foreign('x');  // Has the address.
  Start(Upstream("{address: \"127.0.0.1:1\"}") + Listener("front", foreign.address()));
  ASSERT_TRUE(EventuallyLogged("listener_bind_failed"));
  EXPECT_FALSE(data_plane_->Ready());
  EXPECT_THAT(data_plane_->Admin("/readyz"), HasSubstr("no listener can be served\nlistener "
                                                       "default/front: AddressInUse"));
  EXPECT_EQ(data_plane_->Metric("sluice_config_ready"), 0);
}

TEST_F(NodeStatus, ADataPlaneThatCanServeSomeOfItsListenersIsReadyAndNamesTheOthers) {
  const TagServer foreign('x');
  Start(Upstream("{address: \"127.0.0.1:1\"}") + Listener("taken", foreign.address()) +
        Listener("front", front_.Address()));
  EXPECT_TRUE(Eventually([&] { return data_plane_->Ready(); }));
  EXPECT_THAT(data_plane_->Admin("/readyz"),
              HasSubstr("ready\nlistener default/taken: AddressInUse"));
}

TEST_F(NodeStatus, WhereAListenerIsWantedAndWhereItIsServedStandSideBySide) {
  const TagServer foreign('x');
  const std::string upstream = Upstream("{address: \"127.0.0.1:1\"}");
  Start(upstream + Listener("front", front_.Address()));
  ASSERT_TRUE(Eventually([&] { return data_plane_->Ready(); }));
  dir_.Write("config.yaml", upstream + Listener("front", foreign.address()));
  const nlohmann::json wanted = {
      {{"name", "default/front"}, {"wanted", foreign.address()}, {"served", front_.Address()}}};
  EXPECT_TRUE(Eventually([&] {
    return nlohmann::json::parse(data_plane_->Admin("/config"))["listeners"] == wanted;
  })) << data_plane_->Admin("/config");
}

TEST_F(NodeStatus, ANodesMetricsTellThatTheControlPlaneIsGone) {
  ControlPlane control_plane;
  DataPlane data_plane({.control_plane = control_plane.xds()});
  EXPECT_TRUE(Eventually([&] { return data_plane.Metric("sluice_control_plane_connected") == 1; }));
  EXPECT_EQ(data_plane.Metric("sluice_control_plane_seconds_since_contact"), 0);
  control_plane.Kill();
  EXPECT_TRUE(Eventually([&] { return data_plane.Metric("sluice_control_plane_connected") == 0; }));
  EXPECT_TRUE(Eventually(
      [&] { return data_plane.Metric("sluice_control_plane_seconds_since_contact") > 0; }));
}

}  // namespace
}  // namespace sluice::test
