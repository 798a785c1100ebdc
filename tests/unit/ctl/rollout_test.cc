#include "controlplane/ctl/rollout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::ctl {
namespace {

using ::testing::HasSubstr;

constexpr std::chrono::system_clock::time_point kNow{std::chrono::seconds(1000)};

v1::RolloutResponse ThreeNodes() {
  v1::RolloutResponse state;
  state.set_nodes_total(3);
  state.set_nodes_synced(1);
  auto& slow = *state.add_nodes();
  slow.set_node_id("gw-2");
  slow.set_active_generation(11);
  slow.set_connected(true);
  auto& refusing = *state.add_nodes();
  refusing.set_node_id("gw-3");
  auto& problem = *refusing.add_problems();
  problem.set_kind("Listener");
  problem.set_name("default/orders-db");
  problem.set_state(v1::ResourceProblem::NOT_PROGRAMMED);
  problem.set_reason("AddressInUse");
  problem.set_message("127.0.0.1:5432 is taken by another process");
  return state;
}

TEST(Rollout, ProgressNamesTheNodesThatLag) {
  EXPECT_EQ(ProgressText(ThreeNodes(), 12, kNow),
            "1 of 3 data planes run generation 12; waiting for gw-2 (runs 11)");
}

TEST(Rollout, ProgressCountsTheNodesThatTheServerDoesNotName) {
  v1::RolloutResponse state;
  state.set_nodes_total(250);
  for (int i = 0; i < 2; ++i) state.add_nodes()->set_node_id("gw-" + std::to_string(i));
  EXPECT_EQ(ProgressText(state, 3, kNow),
            "0 of 250 data planes run generation 3; waiting for gw-0, gw-1 and 248 more");
}

TEST(Rollout, ProgressSaysWhichNodesAreNotConnected) {
  v1::RolloutResponse state;
  state.set_nodes_total(1);
  auto& away = *state.add_nodes();
  away.set_node_id("gw-1");
  away.set_active_generation(2);
  away.mutable_last_seen()->set_seconds(988);
  EXPECT_EQ(ProgressText(state, 3, kNow),
            "0 of 1 data plane runs generation 3; waiting for gw-1 (not connected, last seen 12s "
            "ago)");
}

TEST(Rollout, NodesThatWereNotWaitedForAreNamed) {
  v1::RolloutResponse state;
  EXPECT_EQ(GoneText(state, kNow), "");
  auto& gone = *state.add_gone();
  gone.set_node_id("gw-1");
  gone.mutable_last_seen()->set_seconds(820);
  EXPECT_EQ(GoneText(state, kNow),
            "notice: data plane gw-1 is not connected (last seen 3m ago) and was not waited for; "
            "it takes the change when it is back\n");
}

TEST(Rollout, RefusalsNameNodeObjectAndReason) {
  EXPECT_EQ(RefusalsText(ThreeNodes()),
            "error: data plane gw-3: listener/orders-db is not in force: AddressInUse: "
            "127.0.0.1:5432 is taken by another process\n");
}

TEST(Rollout, ARefusalCannotBreakItsLine) {
  auto state = ThreeNodes();
  state.mutable_nodes(1)->mutable_problems(0)->set_message("a\nerror: b\x1b[0m");
  EXPECT_THAT(RefusalsText(state), HasSubstr("a error: b?[0m\n"));
}

}  // namespace
}  // namespace sluice::ctl
