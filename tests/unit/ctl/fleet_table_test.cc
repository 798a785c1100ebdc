#include "controlplane/ctl/fleet_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sluice/v1/data_plane.pb.h"

namespace sluice::ctl {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

model::Resource Node() {
  auto node = std::make_unique<v1::DataPlane>();
  node->mutable_metadata()->set_name("gw-1");
  (*node->mutable_metadata()->mutable_labels())["role"] = "gateway";
  auto& status = *node->mutable_status();
  status.set_version("0.1.0");
  status.set_wanted_generation(12);
  status.set_active_generation(11);
  status.set_sessions(42);
  status.mutable_last_seen()->set_seconds(2'000'000'000);
  auto& condition = *status.add_conditions();
  condition.set_type("Synced");
  condition.set_status(v1::Condition::FALSE);
  auto& problem = *status.add_problems();
  problem.set_kind("Listener");
  problem.set_name("default/dns");
  problem.set_state(v1::ResourceProblem::REFUSED);
  problem.set_reason("Invalid");
  problem.set_field("spec.address");
  problem.set_message("no such interface");
  auto& endpoint = *status.add_unhealthy_endpoints();
  endpoint.set_upstream("default/db");
  endpoint.set_address("10.0.0.1:5432");
  return model::Resource::FromMessage(std::move(node));
}

FleetStyle Style() {
  return {.now = std::chrono::system_clock::time_point(std::chrono::seconds(2'000'000'003))};
}

TEST(FleetTable, ShowsWhatEachNodeShouldRunAndRuns) {
  EXPECT_THAT(
      FleetText({Node()}, Style()),
      HasSubstr(
          "NODE   VERSION   CONNECTED   WANTED   ACTIVE   SYNCED   REFUSALS   SESSIONS   "
          "LAST-SEEN\n"
          "gw-1   0.1.0     Unknown     12       11       False    1          42         3s\n"));
}

TEST(FleetTable, SaysWhichNodeDrains) {
  auto node = Node().As<v1::DataPlane>();
  auto& condition = *node.mutable_status()->add_conditions();
  condition.set_type("Connected");
  condition.set_status(v1::Condition::TRUE);
  condition.set_reason("Draining");
  EXPECT_THAT(
      FleetText({model::Resource::FromMessage(std::make_unique<v1::DataPlane>(node))}, Style()),
      HasSubstr("\ngw-1   0.1.0     draining    12"));
}

TEST(FleetTable, ListsRefusalsBelow) {
  EXPECT_THAT(
      FleetText({Node()}, Style()),
      HasSubstr("\nRefusals:\n"
                "NODE   OBJECT         STATE     REASON    FIELD          MESSAGE\n"
                "gw-1   listener/dns   refused   Invalid   spec.address   no such interface\n"));
}

TEST(FleetTable, WideShowsLabelsAndUnavailableEndpoints) {
  auto style = Style();
  style.wide = true;
  const auto text = FleetText({Node()}, style);
  EXPECT_THAT(text, HasSubstr("role=gateway"));
  EXPECT_THAT(text, HasSubstr("10.0.0.1:5432"));
}

TEST(FleetTable, WithoutHeadersThereAreOnlyNodes) {
  auto style = Style();
  style.headers = false;
  EXPECT_EQ(FleetText({Node()}, style), "gw-1   0.1.0   Unknown   12   11   False   1   42   3s\n");
}

}  // namespace
}  // namespace sluice::ctl
