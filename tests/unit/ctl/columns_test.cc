#include "controlplane/ctl/columns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sluice/v1/listener.pb.h"
#include "tests/unit/ctl/manifests.h"

namespace sluice::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::IsSupersetOf;

const std::chrono::system_clock::time_point kNow{std::chrono::seconds(2'000'000'100)};

void Condition(v1::ObjectStatus& status, const std::string& type, const std::string& message) {
  auto& condition = *status.add_conditions();
  condition.set_type(type);
  condition.set_status(v1::Condition::TRUE);
  condition.set_message(message);
}

TEST(Columns, OfAListener) {
  const auto resource = With<v1::Listener>(
      FromYaml(R"(
apiVersion: sluice.dev/v1
kind: Listener
metadata: {name: orders-db}
spec: {address: "0.0.0.0:5432", routes: [{proxy: {upstream: db}}]}
)")
          .at(0),
      [](v1::Listener& listener) {
        listener.mutable_metadata()->mutable_creation_timestamp()->set_seconds(2'000'000'000);
        auto& status = *listener.mutable_status();
        Condition(status, "Programmed", "all is well");
        Condition(status, "Synced", "2/3 data planes");
      });
  EXPECT_THAT(HeaderOf(resource.kind(), {}),
              ElementsAre("NAME", "PROTOCOL", "ADDRESS", "ROUTES", "PROGRAMMED", "SYNCED", "AGE"));
  EXPECT_THAT(RowOf(resource, {}, {.now = kNow, .slice_endpoints = {}}),
              ElementsAre("orders-db", "TCP", "0.0.0.0:5432", "1", "True", "2/3", "100s"));
}

TEST(Columns, OfAnUpstreamCountTheEndpointsOfItsSlices) {
  const auto resource = FromYaml(R"(
apiVersion: sluice.dev/v1
kind: Upstream
metadata: {name: db}
spec: {balance: {policy: RANDOM}, endpoints: [{address: "10.0.0.1:1"}]}
)")
                            .at(0);
  EXPECT_THAT(HeaderOf(resource.kind(), {}),
              ElementsAre("NAME", "BALANCE", "ENDPOINTS", "SYNCED", "AGE"));
  EXPECT_THAT(RowOf(resource, {}, {.now = kNow, .slice_endpoints = {{"default/db", 40}}}),
              ElementsAre("db", "RANDOM", "41", "Unknown", "<unknown>"));
}

TEST(Columns, OfASliceAndAPolicy) {
  const auto resources = FromYaml(R"(
apiVersion: sluice.dev/v1
kind: EndpointSlice
metadata: {name: db-1}
spec: {upstream: db, endpoints: [{address: "10.0.0.1:1"}]}
---
apiVersion: sluice.dev/v1
kind: AccessPolicy
metadata: {name: office}
spec: {mode: SHADOW, defaultAction: DENY, rules: [{action: ALLOW, sources: ["10.0.0.0/8"]}]}
)");
  EXPECT_THAT(RowOf(resources.at(0), {}, {.now = kNow, .slice_endpoints = {}}),
              ElementsAre("db-1", "db", "1", "<unknown>"));
  EXPECT_THAT(RowOf(resources.at(1), {}, {.now = kNow, .slice_endpoints = {}}),
              ElementsAre("office", "SHADOW", "DENY", "1", "<unknown>"));
}

TEST(Columns, EveryKindHasSomeAndWideHasMore) {
  for (const model::Kind& kind : model::Kinds()) {
    const Row narrow = HeaderOf(kind, {});
    const Row wide = HeaderOf(kind, {.wide = true});
    EXPECT_GT(narrow.size(), 2u) << kind.name;
    EXPECT_GT(wide.size(), narrow.size()) << kind.name;
    EXPECT_THAT(wide, IsSupersetOf(narrow)) << kind.name;
  }
}

TEST(Columns, OfAWatchOverAllNamespaces) {
  const auto resource = FromYaml(
                            "{apiVersion: sluice.dev/v1, kind: AccessPolicy, metadata: {name: a, "
                            "namespace: team}, spec: {defaultAction: DENY}}")
                            .at(0);
  const TableStyle style{.with_namespace = true, .with_kind = true, .with_event = true};
  const Row row = RowOf(resource, style, {.now = kNow, .slice_endpoints = {}}, "ADDED");
  EXPECT_EQ(Row(row.begin(), row.begin() + 3), (Row{"ADDED", "team", "accesspolicy/a"}));
  EXPECT_EQ(row.size(), HeaderOf(resource.kind(), style).size());
}

}  // namespace
}  // namespace sluice::ctl
