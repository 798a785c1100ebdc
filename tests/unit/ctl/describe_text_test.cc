#include "controlplane/ctl/describe_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sluice/v1/upstream.pb.h"
#include "tests/unit/ctl/manifests.h"

namespace sluice::ctl {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(DescribeText, ShowsAllThatHasToDoWithAnUpstream) {
  auto all = FromYaml(R"(
apiVersion: sluice.dev/v1
kind: Upstream
metadata: {name: db, labels: {team: orders}}
spec: {endpoints: [{address: "10.0.0.1:1", weight: 3}, {address: "10.0.0.2:1", drain: true}]}
---
apiVersion: sluice.dev/v1
kind: EndpointSlice
metadata: {name: db-1}
spec: {upstream: db, endpoints: [{address: "10.0.1.1:1"}]}
---
apiVersion: sluice.dev/v1
kind: Listener
metadata: {name: orders}
spec: {address: "0.0.0.0:5432", routes: [{proxy: {upstream: db}}]}
)");
  all[0] = With<v1::Upstream>(all[0], [](v1::Upstream& upstream) {
    auto& condition = *upstream.mutable_status()->add_conditions();
    condition.set_type("Synced");
    condition.set_status(v1::Condition::FALSE);
    condition.set_reason("Lagging");
    condition.set_message("1/2 data planes");
  });
  v1::RolloutResponse nodes;
  nodes.set_nodes_total(2);
  nodes.set_nodes_synced(1);
  auto& node = *nodes.add_nodes();
  node.set_node_id("gw-2");
  auto& problem = *node.add_problems();
  problem.set_kind("Upstream");
  problem.set_name("default/db");
  problem.set_state(v1::ResourceProblem::REFUSED);
  problem.set_message("too many");

  const std::string text = DescriptionText({.resource = all[0],
                                            .neighbours = all,
                                            .nodes = nodes,
                                            .now = std::chrono::system_clock::now()});
  EXPECT_THAT(text, HasSubstr("Name:             db\n"));
  EXPECT_THAT(text, HasSubstr("Labels:           team=orders\n"));
  EXPECT_THAT(text, HasSubstr("Spec:\n  endpoints:\n"));
  EXPECT_THAT(text, HasSubstr("Lagging"));
  EXPECT_THAT(text, ::testing::ContainsRegex("10\\.0\\.0\\.1:1 +3 +- +active +upstream/db\n"));
  EXPECT_THAT(text, ::testing::ContainsRegex("10\\.0\\.0\\.2:1 +1 +- +draining +upstream/db\n"));
  EXPECT_THAT(text,
              ::testing::ContainsRegex("10\\.0\\.1\\.1:1 +1 +- +active +endpointslice/db-1\n"));
  EXPECT_THAT(text, ::testing::ContainsRegex("listener/orders +spec\\.routes\\[0\\]"));
  EXPECT_THAT(text, HasSubstr("1 of 2 run it as it is stored"));
  EXPECT_THAT(text, HasSubstr("refused upstream/db: too many"));
}

TEST(DescribeText, SaysWhetherWhatAListenerNamesExists) {
  const auto all = FromYaml(R"(
apiVersion: sluice.dev/v1
kind: Upstream
metadata: {name: db}
spec: {endpoints: []}
---
apiVersion: sluice.dev/v1
kind: Listener
metadata: {name: orders}
spec:
  address: "0.0.0.0:5432"
  routes: [{proxy: {split: [{upstream: db, weight: 1}, {upstream: gone, weight: 1}]}}]
)");
  const std::string text = DescriptionText({.resource = all[1],
                                            .neighbours = all,
                                            .nodes = std::nullopt,
                                            .now = std::chrono::system_clock::now()});
  EXPECT_THAT(text, ::testing::ContainsRegex("upstream/db +spec\\S+ +yes\n"));
  EXPECT_THAT(text, ::testing::ContainsRegex("upstream/gone +spec\\S+ +no\n"));
  EXPECT_THAT(text, Not(HasSubstr("Referred to by")));
}

}  // namespace
}  // namespace sluice::ctl
