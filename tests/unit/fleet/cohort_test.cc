#include "controlplane/fleet/cohort.h"

#include <gmock/gmock.h>

#include <deque>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "controlplane/fleet/rollout.h"
#include "controlplane/snapshot/visibility_index.h"
#include "tests/support/sample_resources.h"

namespace sluice::controlplane {
namespace {

using test::MakeListener;
using test::MakeUpstream;
using testing::IsEmpty;

class CohortTest : public testing::Test {
 protected:
  CohortTest() {
    index_.Hold({});
    Apply({upstream_, listener_});
  }

  void Apply(const std::vector<model::Resource>& resources) {
    index_.Apply(index_.generation() + 1, test::AsChanges(resources));
    cohort_.Want(index_.SnapshotOf({}));
  }

  Member& AddNode(std::int64_t generation) {
    Member& member = members_.emplace_back();
    member.state.identity.id = "n" + std::to_string(members_.size());
    Report(member, generation, {});
    return member;
  }
  // Leaves and enters again.
  void Report(Member& member, std::int64_t generation,
              const std::vector<v1::ResourceProblem>& problems) {
    if (entered_[&member]) cohort_.Leave(member);
    v1::NodeReport report;
    report.set_active_generation(generation);
    report.mutable_problems()->Add(problems.begin(), problems.end());
    report.set_problems_total(static_cast<std::uint32_t>(problems.size()));
    member.state.problems = std::make_shared<const ProblemMap>(ProblemsIn(report));
    member.state.report = std::make_shared<const v1::NodeReport>(std::move(report));
    member.state.reported = true;
    cohort_.Enter(member);
    entered_[&member] = true;
  }

  static v1::ResourceProblem ProblemOf(const model::Resource& object, const std::string& version) {
    v1::ResourceProblem problem;
    problem.set_kind(std::string(object.kind().name));
    problem.set_name(object.key().DiscoveryName());
    problem.set_version(version);
    problem.set_reason("AddressInUse");
    return problem;
  }

  ObjectTally Count(const model::Resource& object) const {
    ObjectTally tally;
    cohort_.Count(object.key(), true, tally);
    return tally;
  }

  // By looking at every node.
  ObjectTally CountOneByOne(const model::Resource& object) const {
    ObjectTally tally;
    const Snapshot& wanted = *cohort_.wanted();
    const ProblemKey key{std::string(object.kind().name), object.key().DiscoveryName()};
    for (const Member& member : members_) {
      ++tally.total;
      if (ProblemWith(member.state, wanted, key) != nullptr) {
        ++tally.refusing;
      } else if (DealtWith(member.state, wanted) >= EntryOf(wanted, key)->since) {
        ++tally.in_force;
      } else {
        ++tally.lagging;
      }
    }
    return tally;
  }

  const model::Resource upstream_ = MakeUpstream("db");
  const model::Resource listener_ = MakeListener({.name = "db", .upstream = "db"});
  VisibilityIndex index_{0, {}, [](const auto&) { return std::vector<model::Resource>(); }};
  std::deque<Member> members_;
  std::map<const Member*, bool> entered_;
  Cohort cohort_{std::make_shared<const Snapshot>()};
};

TEST_F(CohortTest, WhatAnObjectCostsDoesNotDependOnTheNumberOfNodes) {
  for (const std::size_t nodes : {10, 1000, 4000}) {
    while (members_.size() < nodes) AddNode(members_.size() % 2 == 0 ? 1 : 0);
    const ObjectTally half = Count(listener_);
    EXPECT_EQ(half.total, nodes);
    EXPECT_EQ(half.in_force, nodes / 2);
    EXPECT_LE(half.looked_at, ObjectTally::kNamed) << nodes;
    EXPECT_EQ(half.some_lagging.size(), ObjectTally::kNamed);
  }
}

TEST_F(CohortTest, WhatManyRefuseIsCountedWithoutLookingAtThem) {
  for (int i = 0; i < 2000; ++i) {
    Report(AddNode(1), 1, {ProblemOf(listener_, listener_.version())});
  }
  const ObjectTally tally = Count(listener_);
  EXPECT_EQ(tally.refusing, 2000u);
  EXPECT_EQ(tally.in_force, 0u);
  EXPECT_LE(tally.looked_at, ObjectTally::kNamed + 1);
  EXPECT_EQ(Count(upstream_).in_force, 2000u);
}

TEST_F(CohortTest, NamesThoseFarthestBehind) {
  for (int i = 0; i < 10; ++i) AddNode(1);
  Apply({MakeUpstream("db", {1})});
  AddNode(0);
  const ObjectTally tally = Count(upstream_);
  EXPECT_EQ(tally.lagging, 11u);
  EXPECT_EQ(tally.some_lagging.front().node_id, "n11");
}

TEST_F(CohortTest, AReportWithoutRoomForAllProblemsVouchesForNothing) {
  Member& member = AddNode(1);
  cohort_.Leave(member);
  v1::NodeReport report = *member.state.report;
  report.set_problems_total(1);
  member.state.report = std::make_shared<const v1::NodeReport>(report);
  cohort_.Enter(member);
  EXPECT_EQ(Count(listener_).in_force, 0u);
  EXPECT_EQ(Count(listener_).lagging, 1u);
  EXPECT_EQ(cohort_.by_dealt().CountFrom(1), 1u);
}

TEST_F(CohortTest, CountsAsLookingAtEveryNodeWould) {
  std::mt19937 random(3);
  const auto next = [&](int below) {
    return static_cast<int>(random() % static_cast<std::uint32_t>(below));
  };
  for (int i = 0; i < 20; ++i) AddNode(0);
  int port = 1;
  for (int step = 0; step < 1000; ++step) {
    if (next(10) == 0) Apply({MakeUpstream("db", {port = 1 + next(20)})});
    Member& member = members_[static_cast<std::size_t>(next(20))];
    std::vector<v1::ResourceProblem> problems;
    if (next(3) == 0) problems.push_back(ProblemOf(listener_, listener_.version()));
    if (next(4) == 0)
      problems.push_back(ProblemOf(upstream_, MakeUpstream("db", {port}).version()));
    if (next(4) == 0) problems.push_back(ProblemOf(upstream_, ""));
    if (next(9) == 0) problems.push_back(ProblemOf(upstream_, "another"));
    Report(member, next(static_cast<int>(index_.generation()) + 1), problems);
    for (const model::Resource* object : {&upstream_, &listener_}) {
      const ObjectTally counted = Count(*object);
      const ObjectTally expected = CountOneByOne(*object);
      ASSERT_EQ(counted.total, expected.total) << "step " << step;
      ASSERT_EQ(counted.refusing, expected.refusing) << "step " << step;
      ASSERT_EQ(counted.in_force, expected.in_force) << "step " << step;
      ASSERT_EQ(counted.lagging, expected.lagging) << "step " << step;
    }
    const auto rollout = FoldRollout(index_.generation(), {}, {{&cohort_}, {}});
    int synced = 0;
    bool settled = true;
    for (const Member& one : members_) {
      const bool troubled = !ProblemsOf(one.state, *cohort_.wanted()).empty();
      const bool dealt = DealtWith(one.state, *cohort_.wanted()) >= index_.generation();
      if (dealt && !troubled) ++synced;
      if (!dealt && !troubled) settled = false;
    }
    ASSERT_EQ(rollout.nodes_synced(), synced) << "step " << step;
    ASSERT_EQ(rollout.settled(), settled) << "step " << step;
    ASSERT_EQ(rollout.nodes_size(), 20 - synced) << "step " << step;
  }
  for (Member& member : members_) cohort_.Leave(member);
  EXPECT_EQ(cohort_.size(), 0u);
  cohort_.ForEachTroubled({}, [](const Member&) { FAIL() << "nobody is left"; });
}

}  // namespace
}  // namespace sluice::controlplane
