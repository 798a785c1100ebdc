#include "controlplane/api/resource_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/base/limits.h"
#include "tests/support/eventually.h"
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

// Each time by a change that the plan has to take in.
TEST_F(ResourceWriterTest, PlansAgainOnWhatWasFaster) {
  store_.BeatNextCommit({test::AsChange(SampleUpstream("a", "127.0.0.1:2"))});
  store_.BeatNextCommit({test::AsChange(SampleUpstream("a", "127.0.0.1:1"))});
  const auto applied = writer_.Apply(ApplyOf(SampleUpstream("a")), {"test"});
  ASSERT_TRUE(applied) << applied.error().message;
  EXPECT_EQ(applied->generation, 3);
  EXPECT_EQ(applied->results[0].outcome, v1::ApplyResponse::CONFIGURED) << "it exists by now";
  EXPECT_EQ(store_.CommitsAfter(2)
                ->at(0)
                .changes.at(0)
                .before->As<v1::Upstream>()
                .spec()
                .endpoints(0)
                .address(),
            "127.0.0.1:2");

  store_.BeatNextCommit({test::AsChange(SampleUpstream("b"))});
  v1::DeleteRequest request;
  *request.add_objects() = RefTo("Upstream", "a");
  EXPECT_EQ(writer_.Delete(request, {"test"}).value(), 5);
  EXPECT_EQ(catalog_->Current()->resources.size(), 1u);
}

// The precondition is looked at again too: what the caller read is not what is there by now.
TEST_F(ResourceWriterTest, RefusesAVersionThatWasOvertaken) {
  ASSERT_TRUE(writer_.Apply(ApplyOf(SampleUpstream("a")), {"test"}));
  v1::Upstream read =
      catalog_->Current()->resources.Find(test::KeyOf(SampleUpstream("a")))->As<v1::Upstream>();
  read.mutable_spec()->mutable_endpoints(0)->set_address("127.0.0.1:2");
  v1::Upstream faster = SampleUpstream("a", "127.0.0.1:3");
  faster.mutable_metadata()->set_resource_version("elsewhere");
  store_.BeatNextCommit({test::AsChange(faster)});
  const auto applied = writer_.Apply(ApplyOf(read), {"test"});
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, ErrorCode::kConflict);
}

TEST_F(ResourceWriterTest, GivesUpAfterTooManyLostRacesAndSaysThatNothingWasStored) {
  for (int i = 0; i < limits::kCommitAttempts; ++i) {
    store_.BeatNextCommit(
        {test::AsChange(SampleUpstream("other", "127.0.0.1:" + std::to_string(i + 1)))});
  }
  const auto applied = writer_.Apply(ApplyOf(SampleUpstream("a")), {"test"});
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(applied.error().message, testing::HasSubstr("was not stored"));
  EXPECT_EQ(store_.Read()->resources.size(), 1u);
  EXPECT_TRUE(writer_.Apply(ApplyOf(SampleUpstream("a")), {"test"}));
}

// Two control planes on one store, both writing as fast as they can.
TEST_F(ResourceWriterTest, LosesNoUpdateBetweenControlPlanes) {
  constexpr int kChanges = 40;
  const auto other_catalog = Catalog::Load(store_).value();
  ResourceWriter other(*other_catalog);
  std::vector<std::thread> threads;
  for (ResourceWriter* writer : {&writer_, &other}) {
    threads.emplace_back([writer, side = writer == &other ? "o" : "w"] {
      for (int done = 0; done < kChanges;) {
        const auto applied =
            writer->Apply(ApplyOf(SampleUpstream(side + std::to_string(done))), {"test"});
        if (applied) ++done;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(store_.Read()->generation, 2 * kChanges);
  for (const Catalog* catalog : {catalog_.get(), other_catalog.get()}) {
    EXPECT_TRUE(test::Eventually([&] { return catalog->Current()->generation == 2 * kChanges; }));
    EXPECT_EQ(catalog->Current()->resources.size(), static_cast<std::size_t>(2 * kChanges));
  }
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
