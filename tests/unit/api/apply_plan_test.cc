#include "controlplane/api/apply_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "common/base/limits.h"
#include "sluice/v1/data_plane.pb.h"
#include "tests/support/sample_resources.h"

namespace sluice::controlplane {
namespace {

using test::AsAny;
using test::AsChange;
using test::SampleListener;
using test::SampleUpstream;
using testing::HasSubstr;
using Batch = google::protobuf::RepeatedPtrField<google::protobuf::Any>;

google::protobuf::Timestamp At(std::int64_t seconds) {
  google::protobuf::Timestamp time;
  time.set_seconds(seconds);
  return time;
}

template <typename... Messages>
Batch BatchOf(const Messages&... messages) {
  Batch batch;
  (batch.Add(AsAny(messages)), ...);
  return batch;
}

// The state that a plan makes of another one.
CatalogState After(const CatalogState& state, const ApplyPlan& plan) {
  return {state.generation + 1, state.resources.With(plan.changes)};
}

CatalogState StateWith(const Batch& batch) {
  const CatalogState empty;
  return After(empty, PlanApply(empty, batch, At(100)).value());
}

const v1::ObjectMeta& StoredMeta(const CatalogState& state,
                                 const google::protobuf::Message& message) {
  return state.resources.Find(test::KeyOf(message))->meta();
}

TEST(PlanApply, CreatesWithServerWrittenMetadata) {
  const CatalogState empty{41, {}};
  const auto plan = PlanApply(empty, BatchOf(SampleUpstream("db")), At(1234));
  ASSERT_TRUE(plan);
  ASSERT_EQ(plan->results.size(), 1u);
  EXPECT_EQ(plan->results[0].outcome, v1::ApplyResponse::CREATED);
  const v1::ObjectMeta& meta = plan->results[0].resource->meta();
  EXPECT_EQ(meta.namespace_(), "default");
  EXPECT_EQ(meta.generation(), 1);
  EXPECT_EQ(meta.resource_version(), "42");
  EXPECT_EQ(meta.creation_timestamp().seconds(), 1234);
  EXPECT_THAT(
      meta.uid(),
      testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
}

TEST(PlanApply, IgnoresServerWrittenMetadataAndStatusInTheInput) {
  v1::Upstream given = SampleUpstream("db");
  given.mutable_metadata()->set_uid("mine");
  given.mutable_metadata()->set_generation(99);
  given.mutable_metadata()->mutable_creation_timestamp()->set_seconds(1);
  given.mutable_status()->set_observed_generation(99);
  const CatalogState state = StateWith(BatchOf(given));
  const auto& stored = state.resources.Find(test::KeyOf(given))->As<v1::Upstream>();
  EXPECT_NE(stored.metadata().uid(), "mine");
  EXPECT_EQ(stored.metadata().generation(), 1);
  EXPECT_EQ(stored.metadata().creation_timestamp().seconds(), 100);
  EXPECT_FALSE(stored.has_status());

  const auto again = PlanApply(state, BatchOf(given), At(200));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->results[0].outcome, v1::ApplyResponse::UNCHANGED);
}

TEST(PlanApply, MakesNothingOfWhatIsThereAlready) {
  const CatalogState state = StateWith(BatchOf(SampleUpstream("a"), SampleUpstream("b")));
  const auto plan = PlanApply(state, BatchOf(SampleUpstream("a"), SampleUpstream("b")), At(200));
  ASSERT_TRUE(plan);
  EXPECT_TRUE(plan->changes.empty());
  ASSERT_EQ(plan->results.size(), 2u);
  EXPECT_EQ(plan->results[1].outcome, v1::ApplyResponse::UNCHANGED);
  EXPECT_EQ(plan->results[1].resource->meta().resource_version(), "1");
}

TEST(PlanApply, CountsAGenerationOnlyWhenTheSpecChanges) {
  const CatalogState first = StateWith(BatchOf(SampleUpstream("db")));
  const auto relabelled = PlanApply(
      first, BatchOf(SampleUpstream("db", "127.0.0.1:9000", {{"team", "orders"}})), At(200));
  ASSERT_TRUE(relabelled);
  EXPECT_EQ(relabelled->results[0].outcome, v1::ApplyResponse::CONFIGURED);
  const CatalogState second = After(first, *relabelled);
  EXPECT_EQ(StoredMeta(second, SampleUpstream("db")).generation(), 1);
  EXPECT_EQ(StoredMeta(second, SampleUpstream("db")).resource_version(), "2");

  const auto moved = PlanApply(second, BatchOf(SampleUpstream("db", "127.0.0.1:9001")), At(300));
  ASSERT_TRUE(moved);
  const CatalogState third = After(second, *moved);
  EXPECT_EQ(StoredMeta(third, SampleUpstream("db")).generation(), 2);
  EXPECT_EQ(StoredMeta(third, SampleUpstream("db")).resource_version(), "3");
  EXPECT_EQ(StoredMeta(third, SampleUpstream("db")).uid(),
            StoredMeta(first, SampleUpstream("db")).uid());
  EXPECT_EQ(StoredMeta(third, SampleUpstream("db")).creation_timestamp().seconds(), 100);
}

TEST(PlanApply, SeesThatAnExplicitZeroIsNotAnAbsentField) {
  const CatalogState state = StateWith(BatchOf(SampleUpstream("db")));
  v1::Upstream off = SampleUpstream("db");
  off.mutable_spec()->mutable_passive_health()->set_max_fails(0);
  v1::Upstream absent = SampleUpstream("db");
  absent.mutable_spec()->mutable_passive_health();
  const CatalogState with_zero = After(state, PlanApply(state, BatchOf(off), At(1)).value());
  EXPECT_EQ(PlanApply(with_zero, BatchOf(absent), At(1))->results[0].outcome,
            v1::ApplyResponse::CONFIGURED);
}

TEST(PlanApply, ReportsEverythingThatIsWrongWithTheBatch) {
  v1::Upstream bad = SampleUpstream("Bad_Name", "nonsense");
  google::protobuf::Any unknown;
  unknown.set_type_url("type.googleapis.com/sluice.v1.Nothing");
  v1::DataPlane plane;
  plane.mutable_metadata()->set_name("node-1");
  Batch batch = BatchOf(SampleUpstream("good"), bad, plane, SampleUpstream("good"));
  *batch.Add() = unknown;

  const auto plan = PlanApply(CatalogState(), batch, At(1));
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, ErrorCode::kInvalidArgument);
  std::set<std::pair<int, std::string>> fields;
  for (const v1::Violation& violation : plan.error().violations) {
    fields.emplace(violation.resource(), violation.field());
    EXPECT_NE(violation.message(), "");
  }
  EXPECT_TRUE(fields.contains({1, "metadata.name"}));
  EXPECT_TRUE(fields.contains({1, "spec.endpoints[0].address"}));
  EXPECT_TRUE(fields.contains({2, "kind"}));
  EXPECT_TRUE(fields.contains({3, "metadata.name"})) << "named twice";
  EXPECT_TRUE(fields.contains({4, ""})) << "unknown type";
  EXPECT_THAT(plan.error().message, HasSubstr("and "));
}

TEST(PlanApply, ChecksReferencesAgainstTheBatchAndWhatIsStored) {
  const auto missing =
      PlanApply(CatalogState(), BatchOf(SampleListener("l", "127.0.0.1:80", "db")), At(1));
  ASSERT_FALSE(missing);
  ASSERT_EQ(missing.error().violations.size(), 1u);
  EXPECT_EQ(missing.error().violations[0].resource(), 0);
  EXPECT_EQ(missing.error().violations[0].object().name(), "l");
  EXPECT_THAT(missing.error().violations[0].message(), HasSubstr("db"));

  EXPECT_TRUE(PlanApply(CatalogState(),
                        BatchOf(SampleListener("l", "127.0.0.1:80", "db"), SampleUpstream("db")),
                        At(1)));
  const CatalogState state = StateWith(BatchOf(SampleUpstream("db")));
  EXPECT_TRUE(PlanApply(state, BatchOf(SampleListener("l", "127.0.0.1:80", "db")), At(1)));
}

TEST(PlanApply, RefusesWhenTheStoredVersionIsNotTheOneAskedFor) {
  const CatalogState state = StateWith(BatchOf(SampleUpstream("db")));
  v1::Upstream update = SampleUpstream("db", "127.0.0.1:9001");
  update.mutable_metadata()->set_resource_version("7");
  const auto plan = PlanApply(state, BatchOf(update), At(1));
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, ErrorCode::kConflict);
  EXPECT_THAT(plan.error().message, HasSubstr("got '7', but version '1' is stored"));
  ASSERT_EQ(plan.error().violations.size(), 1U);
  EXPECT_EQ(plan.error().violations[0].field(), "metadata.resourceVersion");

  update.mutable_metadata()->set_resource_version("1");
  EXPECT_TRUE(PlanApply(state, BatchOf(update), At(1)));

  v1::Upstream other = SampleUpstream("other");
  other.mutable_metadata()->set_resource_version("1");
  EXPECT_EQ(PlanApply(state, BatchOf(other), At(1)).error().code, ErrorCode::kConflict);
  update.mutable_metadata()->set_resource_version("7");
  EXPECT_EQ(PlanApply(state, BatchOf(update, other), At(1)).error().violations_total, 2U);
}

TEST(PlanApply, RefusesABatchThatIsEmptyOrTooLong) {
  EXPECT_EQ(PlanApply(CatalogState(), Batch(), At(1)).error().code, ErrorCode::kInvalidArgument);
  Batch batch;
  for (std::size_t i = 0; i <= limits::kApplyResources; ++i) batch.Add();
  const auto plan = PlanApply(CatalogState(), batch, At(1));
  EXPECT_EQ(plan.error().code, ErrorCode::kResourceExhausted);
  EXPECT_THAT(plan.error().message, HasSubstr("10000"));
}

TEST(PlanApply, ReportsNoMoreViolationsThanTheLimit) {
  Batch batch;
  for (std::size_t i = 0; i < limits::kViolationsReported + 50; ++i) batch.Add();
  const auto plan = PlanApply(CatalogState(), batch, At(1));
  EXPECT_EQ(plan.error().violations.size(), limits::kViolationsReported);
  EXPECT_EQ(plan.error().violations_total, limits::kViolationsReported + 50);
  EXPECT_THAT(plan.error().message, HasSubstr("and 149 more"));
}

TEST(PlanApply, CountsEveryViolationOfOneObject) {
  v1::Upstream upstream;
  upstream.mutable_metadata()->set_name("u");
  for (int i = 0; i < 250; ++i) upstream.mutable_spec()->add_endpoints()->set_address("nowhere");
  Batch batch;
  batch.Add()->PackFrom(upstream);
  const auto plan = PlanApply(CatalogState(), batch, At(1));
  EXPECT_EQ(plan.error().violations.size(), limits::kViolationsReported);
  EXPECT_EQ(plan.error().violations_total, 250);
}

TEST(PlanApply, StopsCountingViolationsSomewhere) {
  v1::Upstream upstream;
  upstream.mutable_metadata()->set_name("u");
  for (int i = 0; i < 900; ++i) upstream.mutable_spec()->add_endpoints()->set_address("nowhere");
  Batch batch;
  for (int i = 0; i < 20; ++i) batch.Add()->PackFrom(upstream);
  const auto plan = PlanApply(CatalogState(), batch, At(1));
  EXPECT_EQ(plan.error().violations_total, limits::kViolationsCounted);
}

}  // namespace
}  // namespace sluice::controlplane
