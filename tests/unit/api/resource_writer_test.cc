#include "controlplane/api/resource_writer.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/base/limits.h"
#include "tests/support/memory_store.h"
#include "tests/support/sample_resources.h"

namespace sluice::controlplane {
namespace {

using test::AsAny;
using test::RefTo;
using test::SampleUpstream;

class ResourceWriterTest : public testing::Test {
 protected:
  static v1::ApplyRequest ApplyOf(const google::protobuf::Message& message) {
    v1::ApplyRequest request;
    *request.add_resources() = AsAny(message);
    return request;
  }

  test::MemoryStore store_;
  std::unique_ptr<Catalog> catalog_ = Catalog::Load(store_).value();
  ResourceWriter writer_{*catalog_};
};

TEST_F(ResourceWriterTest, ABatchBecomesOneGeneration) {
  v1::ApplyRequest request = ApplyOf(SampleUpstream("a"));
  *request.add_resources() = AsAny(SampleUpstream("b"));
  const auto applied = writer_.Apply(request, {"test"});
  ASSERT_TRUE(applied);
  EXPECT_EQ(applied->generation, 1);
  EXPECT_EQ(catalog_->Current()->resources.size(), 2u);
}

TEST_F(ResourceWriterTest, ADryRunStoresNothing) {
  v1::ApplyRequest request = ApplyOf(SampleUpstream("a"));
  request.set_dry_run(true);
  const auto applied = writer_.Apply(request, {"test"});
  ASSERT_TRUE(applied);
  EXPECT_EQ(applied->results[0].outcome, v1::ApplyResponse::CREATED);
  EXPECT_EQ(applied->generation, 0);
  EXPECT_EQ(catalog_->Current()->generation, 0);
}

TEST_F(ResourceWriterTest, AnUnchangedBatchMakesNoGeneration) {
  ASSERT_TRUE(writer_.Apply(ApplyOf(SampleUpstream("a")), {"test"}));
  const auto again = writer_.Apply(ApplyOf(SampleUpstream("a")), {"test"});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->generation, 1);
  EXPECT_EQ(catalog_->Current()->generation, 1);
}

TEST_F(ResourceWriterTest, PlansAgainWhenAnotherReplicaWasFaster) {
  store_.FailNextCommit({ErrorCode::kConflict, "moved on"});
  store_.FailNextCommit({ErrorCode::kConflict, "moved on"});
  EXPECT_TRUE(writer_.Apply(ApplyOf(SampleUpstream("a")), {"test"}));
  store_.FailNextCommit({ErrorCode::kConflict, "moved on"});
  v1::DeleteRequest request;
  *request.add_objects() = RefTo("Upstream", "a");
  EXPECT_EQ(writer_.Delete(request, {"test"}).value(), 2);
}

TEST_F(ResourceWriterTest, GivesUpAfterTooManyConflicts) {
  for (int i = 0; i < limits::kCommitAttempts; ++i)
    store_.FailNextCommit({ErrorCode::kConflict, "moved on"});
  const auto applied = writer_.Apply(ApplyOf(SampleUpstream("a")), {"test"});
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, ErrorCode::kUnavailable);
}

TEST_F(ResourceWriterTest, PassesOnWhatTheStoreSays) {
  store_.FailNextCommit({ErrorCode::kResourceExhausted, "disk full"});
  const auto applied = writer_.Apply(ApplyOf(SampleUpstream("a")), {"test"});
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(applied.error().message, "disk full");
}

// Read, change, write back with the version that was read: of each generation only one may win.
TEST_F(ResourceWriterTest, LosesNoUpdateBetweenParallelWriters) {
  constexpr int kWriters = 4;
  constexpr int kIncrements = 20;
  const auto key = test::KeyOf(SampleUpstream("counter"));
  ASSERT_TRUE(writer_.Apply(ApplyOf(SampleUpstream("counter", "127.0.0.1:1")), {"test"}));
  std::vector<std::thread> threads;
  for (int i = 0; i < kWriters; ++i) {
    threads.emplace_back([&] {
      for (int done = 0; done < kIncrements;) {
        const auto state = catalog_->Current();
        v1::Upstream upstream = state->resources.Find(key)->As<v1::Upstream>();
        std::string* address = upstream.mutable_spec()->mutable_endpoints(0)->mutable_address();
        *address = "127.0.0.1:" + std::to_string(std::stoi(address->substr(10)) + 1);
        if (writer_.Apply(ApplyOf(upstream), {"test"})) ++done;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto state = catalog_->Current();
  EXPECT_EQ(state->resources.Find(key)->As<v1::Upstream>().spec().endpoints(0).address(),
            "127.0.0.1:" + std::to_string(1 + kWriters * kIncrements));
  EXPECT_EQ(state->generation, 1 + kWriters * kIncrements);
  EXPECT_EQ(state->resources.Find(key)->meta().generation(), 1 + kWriters * kIncrements);
}

}  // namespace
}  // namespace sluice::controlplane
