#include "controlplane/ctl/rollout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::ctl {
namespace {

using ::testing::HasSubstr;

v1::RolloutResponse ThreeNodes() {
  v1::RolloutResponse state;
  state.set_nodes_total(3);
  state.set_nodes_synced(1);
  auto& slow = *state.add_nodes();
  slow.set_node_id("gw-2");
  slow.set_active_generation(11);
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
  EXPECT_EQ(ProgressText(ThreeNodes(), 12),
            "1 of 3 data planes run generation 12; waiting for gw-2 (runs 11)");
}

TEST(Rollout, ProgressCountsTheNodesThatTheServerDoesNotName) {
  v1::RolloutResponse state;
  state.set_nodes_total(250);
  for (int i = 0; i < 2; ++i) state.add_nodes()->set_node_id("gw-" + std::to_string(i));
  EXPECT_EQ(ProgressText(state, 3),
            "0 of 250 data planes run generation 3; waiting for gw-0, gw-1 and 248 more");
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
