#include "controlplane/fleet/fleet.h"

#include <gmock/gmock.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "common/base/limits.h"
#include "sluice/v1/data_plane.pb.h"
#include "sluice/v1/listener.pb.h"
#include "tests/support/eventually.h"
#include "tests/support/memory_catalog.h"
#include "tests/support/memory_store.h"
#include "tests/support/sample_resources.h"

namespace sluice::controlplane {
namespace {

using test::Eventually;
using test::MakeListener;
using test::MakeUpstream;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Labels kEdge{{"role", "edge"}};

class FleetTest : public testing::Test {
 protected:
  FleetTest()
      : feed_(catalog_, store_), fleet_(catalog_, feed_, [this] { return WallTime(now_.load()); }) {
    catalog_.Apply({upstream_, listener_});
    Settle();
  }

  void Settle() {
    EXPECT_TRUE(Eventually([&] { return feed_.generation() == catalog_.Current()->generation; }));
  }

  static v1::NodeReport Report(const std::string& node, std::int64_t generation,
                               const Labels& labels = {}) {
    v1::NodeReport report;
    report.set_node_id(node);
    report.mutable_labels()->insert(labels.begin(), labels.end());
    report.set_active_generation(generation);
    return report;
  }

  static v1::NodeReport WithProblem(v1::NodeReport report, const model::Resource& object,
                                    v1::ResourceProblem::State state, const std::string& reason) {
    v1::ResourceProblem& problem = *report.add_problems();
    problem.set_kind(std::string(object.kind().name));
    problem.set_name(object.key().DiscoveryName());
    problem.set_version(object.version());
    problem.set_state(state);
    problem.set_reason(reason);
    problem.set_message("port 5432 is taken");
    report.set_problems_total(static_cast<std::uint32_t>(report.problems_size()));
    return report;
  }

  v1::Condition ConditionOf(const model::Resource& object, const std::string& type) {
    const v1::ObjectStatus status = fleet_.StatusOf(object);
    for (const v1::Condition& condition : status.conditions()) {
      if (condition.type() == type) return condition;
    }
    ADD_FAILURE() << "no condition " << type;
    return {};
  }

  std::optional<v1::DataPlane> DataPlane(const std::string& node) {
    for (const model::Resource& object : fleet_.DataPlanes()) {
      if (object.key().name == node) return object.As<v1::DataPlane>();
    }
    return std::nullopt;
  }

  v1::Condition ConnectedOf(const std::string& node) {
    const auto found = DataPlane(node);
    if (!found) return {};
    for (const v1::Condition& condition : found->status().conditions()) {
      if (condition.type() == "Connected") return condition;
    }
    return {};
  }

  void Pass(std::chrono::seconds time) { now_ = now_.load() + time; }

  const model::Resource upstream_ = MakeUpstream("db");
  const model::Resource listener_ = MakeListener({.name = "db", .upstream = "db"});
  std::atomic<WallTime::duration> now_{std::chrono::hours(1)};
  test::MemoryStore store_;
  test::MemoryCatalog catalog_;
  SnapshotFeed feed_;
  Fleet fleet_;
};

TEST_F(FleetTest, WithNoNodesARolloutIsSettledAndNothingIsProgrammed) {
  const auto progress = fleet_.Progress(1, {listener_.key()});
  EXPECT_EQ(progress.nodes_total(), 0);
  EXPECT_TRUE(progress.settled());
  EXPECT_EQ(ConditionOf(listener_, "Accepted").status(), v1::Condition::TRUE);
  EXPECT_EQ(ConditionOf(listener_, "ResolvedRefs").status(), v1::Condition::TRUE);
  EXPECT_EQ(ConditionOf(listener_, "Programmed").status(), v1::Condition::FALSE);
  EXPECT_EQ(ConditionOf(listener_, "Programmed").reason(), "NoDataPlane");
  EXPECT_EQ(ConditionOf(listener_, "Synced").status(), v1::Condition::UNKNOWN);
}

TEST_F(FleetTest, ANodeIsSyncedOnlyOnceItSaysSo) {
  ASSERT_TRUE(fleet_.DiscoveryOpened({"n1", {}, "1.0"}));
  fleet_.FollowsGenerations("n1");
  auto progress = fleet_.Progress(1, {listener_.key()});
  EXPECT_EQ(progress.nodes_total(), 1);
  EXPECT_FALSE(progress.settled());
  EXPECT_EQ(ConditionOf(listener_, "Synced").status(), v1::Condition::FALSE);
  EXPECT_THAT(ConditionOf(listener_, "Synced").message(), HasSubstr("0/1 data plane; behind: n1"));
  ASSERT_TRUE(fleet_.ReportOpened(Report("n1", 1)));
  progress = fleet_.Progress(1, {listener_.key()});
  EXPECT_EQ(progress.nodes_synced(), 1);
  EXPECT_TRUE(progress.settled());
  EXPECT_EQ(ConditionOf(listener_, "Synced").message(), "1/1 data plane");
  EXPECT_EQ(ConditionOf(listener_, "Programmed").status(), v1::Condition::TRUE);
}

TEST_F(FleetTest, AClientThatNeitherReportsNorFollowsGenerationsIsListedButNotAwaited) {
  ASSERT_TRUE(fleet_.DiscoveryOpened({"tool", {}, ""}));
  EXPECT_EQ(fleet_.Progress(1, {}).nodes_total(), 0);
  ASSERT_TRUE(DataPlane("tool"));
}

TEST_F(FleetTest, ARolloutIsNotSettledBeforeItsGenerationIsDistributed) {
  EXPECT_FALSE(fleet_.Progress(2, {listener_.key()}).settled());
}

TEST_F(FleetTest, OnlyNodesThatSeeAnObjectAreAwaited) {
  ASSERT_TRUE(fleet_.ReportOpened(Report("edge-1", 1, kEdge)));
  ASSERT_TRUE(fleet_.ReportOpened(Report("core-1", 1)));
  const auto edge =
      MakeListener({.name = "edge", .upstream = "db", .node_selector = kEdge, .port = 1});
  catalog_.Apply({edge});
  Settle();
  const auto progress = fleet_.Progress(2, {edge.key()});
  EXPECT_EQ(progress.nodes_total(), 1);
  ASSERT_EQ(progress.nodes_size(), 1);
  EXPECT_EQ(progress.nodes(0).node_id(), "edge-1");
  EXPECT_EQ(fleet_.Progress(2, {}).nodes_total(), 2);
}

TEST_F(FleetTest, NodesThatSawADeletedObjectAreAwaited) {
  const auto edge =
      MakeListener({.name = "edge", .upstream = "db", .node_selector = kEdge, .port = 1});
  catalog_.Apply({edge});
  Settle();
  ASSERT_TRUE(fleet_.ReportOpened(Report("edge-1", 2, kEdge)));
  ASSERT_TRUE(fleet_.ReportOpened(Report("core-1", 2)));
  catalog_.Delete({edge.key()});
  Settle();
  auto progress = fleet_.Progress(3, {edge.key()});
  EXPECT_EQ(progress.nodes_total(), 1);
  EXPECT_FALSE(progress.settled());
  ASSERT_TRUE(fleet_.Reported(Report("edge-1", 3, kEdge)));
  EXPECT_TRUE(fleet_.Progress(3, {edge.key()}).settled());
}

TEST_F(FleetTest, ANodeThatDrainsSaysSoAndIsAwaitedNoMore) {
  ASSERT_TRUE(fleet_.DiscoveryOpened({"n1", {}, "1.0"}));
  ASSERT_TRUE(fleet_.ReportOpened(Report("n1", 1)));
  v1::NodeReport leaving = Report("n1", 1);
  leaving.set_draining_seconds(25);
  ASSERT_TRUE(fleet_.Reported(leaving));
  EXPECT_EQ(ConnectedOf("n1").reason(), "Draining");
  EXPECT_EQ(ConnectedOf("n1").status(), v1::Condition::TRUE);
  EXPECT_THAT(ConnectedOf("n1").message(), HasSubstr("25 s"));
  catalog_.Apply({MakeListener({.name = "db", .upstream = "db", .port = 1})});
  Settle();
  EXPECT_EQ(fleet_.Progress(2, {}).nodes_total(), 0);

  fleet_.DiscoveryClosed("n1");
  fleet_.ReportClosed("n1");
  EXPECT_EQ(ConnectedOf("n1").reason(), "Draining") << "its sessions go on";
  Pass(std::chrono::seconds(25));
  EXPECT_EQ(ConnectedOf("n1").reason(), "Disconnected");
  EXPECT_THAT(fleet_.Progress(2, {}).gone(), IsEmpty()) << "it told that it would go";
}

TEST_F(FleetTest, AnotherProcessOfANodeThatDrainedIsAwaited) {
  v1::NodeReport leaving = Report("n1", 1);
  leaving.set_draining_seconds(25);
  ASSERT_TRUE(fleet_.ReportOpened(leaving));
  fleet_.ReportClosed("n1");
  EXPECT_EQ(fleet_.Progress(1, {}).nodes_total(), 0);
  ASSERT_TRUE(fleet_.DiscoveryOpened({"n1", {}, "1.0"}));
  EXPECT_EQ(fleet_.Progress(1, {}).nodes_total(), 1);
  ASSERT_TRUE(fleet_.ReportOpened(Report("n1", 0)));
  EXPECT_EQ(ConnectedOf("n1").reason(), "Connected");
  EXPECT_FALSE(fleet_.Progress(1, {}).settled());
}

TEST_F(FleetTest, AProblemSettlesARolloutWithoutSyncingIt) {
  ASSERT_TRUE(fleet_.ReportOpened(WithProblem(
      Report("n1", 1), listener_, v1::ResourceProblem::NOT_PROGRAMMED, "AddressInUse")));
  const auto progress = fleet_.Progress(1, {listener_.key()});
  EXPECT_TRUE(progress.settled());
  EXPECT_EQ(progress.nodes_synced(), 0);
  ASSERT_EQ(progress.nodes_size(), 1);
  EXPECT_EQ(progress.nodes(0).problems(0).reason(), "AddressInUse");
  // The upstream is fine.
  EXPECT_EQ(fleet_.Progress(1, {upstream_.key()}).nodes_synced(), 1);
  EXPECT_EQ(ConditionOf(upstream_, "Synced").status(), v1::Condition::TRUE);
  const auto programmed = ConditionOf(listener_, "Programmed");
  EXPECT_EQ(programmed.status(), v1::Condition::FALSE);
  EXPECT_EQ(programmed.reason(), "AddressInUse");
  EXPECT_THAT(programmed.message(), HasSubstr("n1"));
  EXPECT_THAT(programmed.message(), HasSubstr("port 5432 is taken"));
  EXPECT_EQ(ConditionOf(listener_, "Synced").reason(), "Refused");
}

TEST_F(FleetTest, AProblemWithAnEarlierVersionIsOver) {
  ASSERT_TRUE(fleet_.ReportOpened(
      WithProblem(Report("n1", 1), listener_, v1::ResourceProblem::REFUSED, "Invalid")));
  const auto fixed = MakeListener({.name = "db", .upstream = "db", .port = 1});
  catalog_.Apply({fixed});
  Settle();
  const auto progress = fleet_.Progress(2, {listener_.key()});
  EXPECT_FALSE(progress.settled());
  EXPECT_THAT(progress.nodes(0).problems(), IsEmpty());
  EXPECT_EQ(ConditionOf(fixed, "Synced").reason(), "Pending");
}

TEST_F(FleetTest, ARefusalOnTheStreamCountsUntilAReportCoversIt) {
  ASSERT_TRUE(fleet_.ReportOpened(Report("n1", 0)));
  v1::ResourceProblem problem;
  problem.set_kind("Listener");
  problem.set_name("default/db");
  problem.set_version(listener_.version());
  problem.set_state(v1::ResourceProblem::REFUSED);
  problem.set_reason("Invalid");
  EXPECT_TRUE(fleet_.AnswerRefused("n1", 1, {problem}));
  EXPECT_FALSE(fleet_.AnswerRefused("n1", 1, {problem})) << "known by now";
  EXPECT_TRUE(fleet_.Progress(1, {listener_.key()}).settled());
  EXPECT_EQ(ConditionOf(listener_, "Programmed").reason(), "Invalid");
  // Sent before the refusal, so it says nothing of it.
  ASSERT_TRUE(fleet_.Reported(Report("n1", 0)));
  EXPECT_EQ(ConditionOf(listener_, "Programmed").reason(), "Invalid");
  ASSERT_TRUE(fleet_.Reported(Report("n1", 1)));
  EXPECT_EQ(ConditionOf(listener_, "Programmed").status(), v1::Condition::TRUE);
}

TEST_F(FleetTest, ANumberFromAnotherStoreDoesNotCountAsSynced) {
  ASSERT_TRUE(fleet_.ReportOpened(Report("n1", 700)));
  EXPECT_FALSE(fleet_.Progress(1, {listener_.key()}).settled());
}

TEST_F(FleetTest, AMissingReferenceIsNamed) {
  const auto lost = MakeListener({.name = "lost", .upstream = "nowhere", .port = 1});
  catalog_.Apply({lost});
  const auto condition = ConditionOf(lost, "ResolvedRefs");
  EXPECT_EQ(condition.status(), v1::Condition::FALSE);
  EXPECT_EQ(condition.reason(), "RefNotFound");
  EXPECT_THAT(condition.message(), HasSubstr("upstream/nowhere"));
}

TEST_F(FleetTest, TransitionTimesMoveOnlyWithTheState) {
  ASSERT_TRUE(fleet_.ReportOpened(Report("n1", 0)));
  const auto before = ConditionOf(listener_, "Synced");
  Pass(std::chrono::seconds(5));
  ASSERT_TRUE(fleet_.Reported(Report("n1", 0)));
  EXPECT_EQ(ConditionOf(listener_, "Synced").last_transition_time().seconds(),
            before.last_transition_time().seconds());
  ASSERT_TRUE(fleet_.Reported(Report("n1", 1)));
  const auto after = ConditionOf(listener_, "Synced");
  EXPECT_EQ(after.status(), v1::Condition::TRUE);
  EXPECT_EQ(after.last_transition_time().seconds(), before.last_transition_time().seconds() + 5);
  Pass(std::chrono::seconds(5));
  EXPECT_EQ(ConditionOf(listener_, "Synced").last_transition_time().seconds(),
            after.last_transition_time().seconds());
}

TEST_F(FleetTest, NoTransitionIsOlderThanItsObject) {
  const auto since = ConditionOf(listener_, "Accepted").last_transition_time();
  // Deleted and made again a minute later, before any node says anything.
  v1::Listener again;
  again.CopyFrom(listener_.message());
  again.mutable_metadata()->mutable_creation_timestamp()->set_seconds(since.seconds() + 60);
  const auto made_again =
      model::Resource::FromMessage(std::make_unique<v1::Listener>(std::move(again)));
  EXPECT_EQ(ConditionOf(made_again, "Accepted").last_transition_time().seconds(),
            since.seconds() + 60);
}

TEST_F(FleetTest, TimesAreInWholeSeconds) {
  now_ = now_.load() + std::chrono::milliseconds(1700);
  ASSERT_TRUE(fleet_.ReportOpened(Report("n1", 1)));
  const auto node = DataPlane("n1");
  ASSERT_TRUE(node);
  const auto synced = ConditionOf(listener_, "Synced").last_transition_time();
  for (const auto& time : {node->metadata().creation_timestamp(), node->status().last_seen(),
                           node->status().conditions(0).last_transition_time(),
                           node->status().conditions(1).last_transition_time(), synced}) {
    EXPECT_EQ(time.nanos(), 0);
    EXPECT_EQ(time.seconds(), 3601);  // Not rounded up into the future.
  }
}

TEST_F(FleetTest, ADataPlaneShowsWhatItReports) {
  ASSERT_TRUE(fleet_.DiscoveryOpened({"n1", kEdge, "0.1.0"}));
  auto report =
      WithProblem(Report("n1", 1, kEdge), listener_, v1::ResourceProblem::REFUSED, "Invalid");
  report.set_sessions(42);
  report.set_stale(true);
  ASSERT_TRUE(fleet_.ReportOpened(report));
  const auto node = DataPlane("n1");
  ASSERT_TRUE(node);
  EXPECT_EQ(node->metadata().labels().at("role"), "edge");
  EXPECT_EQ(node->status().wanted_generation(), 1);
  EXPECT_EQ(node->status().active_generation(), 1);
  EXPECT_EQ(node->status().sessions(), 42u);
  EXPECT_TRUE(node->status().stale());
  EXPECT_EQ(node->status().version(), "0.1.0");
  EXPECT_EQ(node->status().problems_size(), 1);
  EXPECT_EQ(node->status().conditions(0).type(), "Connected");
  EXPECT_EQ(node->status().conditions(0).status(), v1::Condition::TRUE);
  EXPECT_EQ(node->status().conditions(1).type(), "Synced");
  EXPECT_EQ(node->status().conditions(1).status(), v1::Condition::FALSE);
  EXPECT_EQ(node->status().conditions(1).message(), "1 object is not in force");
}

TEST_F(FleetTest, ANodeThatIsGoneIsAwaitedForAWhileListedForLongerAndThenForgotten) {
  ASSERT_TRUE(fleet_.ReportOpened(Report("n1", 0)));
  fleet_.ReportClosed("n1");
  EXPECT_EQ(DataPlane("n1")->status().conditions(0).status(), v1::Condition::FALSE);
  EXPECT_EQ(fleet_.Progress(1, {}).nodes_total(), 1);
  Pass(limits::kNodeAwaited);
  EXPECT_EQ(fleet_.Progress(1, {}).nodes_total(), 0);
  fleet_.ForgetGone();
  EXPECT_TRUE(DataPlane("n1"));
  Pass(limits::kNodeKept);
  fleet_.ForgetGone();
  EXPECT_FALSE(DataPlane("n1"));
}

TEST_F(FleetTest, ARolloutNamesNodesThatAreNotConnectedAsLongAsTheyAreListed) {
  ASSERT_TRUE(fleet_.ReportOpened(Report("n1", 0)));
  EXPECT_TRUE(fleet_.Progress(1, {}).nodes(0).connected());
  Pass(std::chrono::seconds(5));
  fleet_.ReportClosed("n1");
  auto progress = fleet_.Progress(1, {listener_.key()});
  ASSERT_EQ(progress.nodes_size(), 1);
  EXPECT_FALSE(progress.nodes(0).connected());
  EXPECT_EQ(progress.nodes(0).last_seen().seconds(), 3605);
  EXPECT_EQ(progress.gone_size(), 0);
  Pass(limits::kNodeAwaited);
  progress = fleet_.Progress(1, {listener_.key()});
  EXPECT_EQ(progress.nodes_size(), 0);
  ASSERT_EQ(progress.gone_size(), 1);
  EXPECT_EQ(progress.gone(0).node_id(), "n1");
  EXPECT_EQ(progress.gone(0).last_seen().seconds(), 3605);
  EXPECT_EQ(fleet_.Progress(0, {listener_.key()}).gone_size(), 0);  // It has dealt with that.
}

TEST_F(FleetTest, ReportsBeyondTheirBoundsAreRefused) {
  EXPECT_FALSE(fleet_.ReportOpened(Report("", 1)));
  EXPECT_FALSE(fleet_.ReportOpened(Report("two words", 1)));
  EXPECT_FALSE(fleet_.ReportOpened(Report(std::string(limits::kNodeIdLength + 1, 'n'), 1)));
  auto many = Report("n1", 1);
  for (std::size_t i = 0; i <= limits::kReportedProblems; ++i) many.add_problems();
  const auto refused = fleet_.ReportOpened(many);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("`problems` must have at most 1000"));
  EXPECT_THAT(fleet_.DataPlanes(), IsEmpty());
}

TEST_F(FleetTest, ChangesAreToldAndNotAfterTheHandleIsGone) {
  std::atomic<int> told{0};
  auto handle = fleet_.OnChange([&told] { ++told; });
  ASSERT_TRUE(fleet_.ReportOpened(Report("n1", 1)));
  EXPECT_TRUE(Eventually([&] { return told > 0; }));
  handle.reset();
  const int before = told;
  std::atomic<int> other{0};
  const auto second = fleet_.OnChange([&other] { ++other; });
  ASSERT_TRUE(fleet_.Reported(Report("n1", 1)));
  EXPECT_TRUE(Eventually([&] { return other > 0; }));
  EXPECT_EQ(told, before);
}

}  // namespace
}  // namespace sluice::controlplane
