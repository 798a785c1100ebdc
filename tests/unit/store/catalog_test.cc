#include "controlplane/store/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/eventually.h"
#include "tests/support/memory_store.h"
#include "tests/support/sample_resources.h"

namespace sluice::controlplane {
namespace {

using test::AsChange;
using test::Eventually;
using test::MemoryStore;
using test::SampleUpstream;

TEST(Catalog, LoadsWhatTheStoreHolds) {
  MemoryStore store;
  ASSERT_TRUE(store.Commit(0, {AsChange(SampleUpstream("a")), AsChange(SampleUpstream("b"))}));
  const auto catalog = Catalog::Load(store).value();
  EXPECT_EQ(catalog->Current()->generation, 1);
  EXPECT_EQ(catalog->Current()->resources.size(), 2u);
  EXPECT_NE(catalog->Current()->resources.Find(test::KeyOf(SampleUpstream("a"))), nullptr);
}

TEST(Catalog, TellsSubscribersWhatWasBeforeAChange) {
  MemoryStore store;
  const auto catalog = Catalog::Load(store).value();
  ASSERT_TRUE(catalog->Commit(0, {AsChange(SampleUpstream("a", "127.0.0.1:1"))}));

  std::vector<CatalogChange> heard;
  const auto subscription =
      catalog->Subscribe([&](const CatalogChange& change) { heard.push_back(change); });
  EXPECT_EQ(subscription.from->generation, 1);
  ASSERT_TRUE(catalog->Commit(1, {AsChange(SampleUpstream("a", "127.0.0.1:2"))}));

  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].after->generation, 2);
  ASSERT_EQ(heard[0].changes.size(), 1u);
  EXPECT_EQ(heard[0].changes[0].before->As<v1::Upstream>().spec().endpoints(0).address(),
            "127.0.0.1:1");
  EXPECT_EQ(heard[0].changes[0].after->As<v1::Upstream>().spec().endpoints(0).address(),
            "127.0.0.1:2");
}

TEST(Catalog, RefusesACommitBasedOnAnOlderGeneration) {
  MemoryStore store;
  const auto catalog = Catalog::Load(store).value();
  ASSERT_TRUE(catalog->Commit(0, {AsChange(SampleUpstream("a"))}));
  const auto late = catalog->Commit(0, {AsChange(SampleUpstream("b"))});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kConflict);
  EXPECT_EQ(catalog->Current()->resources.size(), 1u);
}

TEST(Catalog, ChangesNothingWhenTheStoreFails) {
  MemoryStore store;
  const auto catalog = Catalog::Load(store).value();
  int heard = 0;
  const auto subscription = catalog->Subscribe([&](const CatalogChange&) { ++heard; });
  store.FailNextCommit({ErrorCode::kResourceExhausted, "disk full"});
  const auto failed = catalog->Commit(0, {AsChange(SampleUpstream("a"))});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "disk full");
  EXPECT_EQ(catalog->Current()->generation, 0);
  EXPECT_EQ(heard, 0);
  EXPECT_TRUE(catalog->Commit(0, {AsChange(SampleUpstream("a"))}));
}

TEST(Catalog, ASubscriptionEndsWithItsHandleEvenFromItsOwnCallback) {
  MemoryStore store;
  const auto catalog = Catalog::Load(store).value();
  int heard = 0;
  Catalog::Subscription subscription;
  subscription = catalog->Subscribe([&](const CatalogChange&) {
    ++heard;
    subscription.handle.reset();
  });
  ASSERT_TRUE(catalog->Commit(0, {AsChange(SampleUpstream("a"))}));
  ASSERT_TRUE(catalog->Commit(1, {AsChange(SampleUpstream("b"))}));
  EXPECT_EQ(heard, 1);
}

TEST(Catalog, ASubscriberMayReadAndSubscribe) {
  MemoryStore store;
  const auto catalog = Catalog::Load(store).value();
  std::vector<Catalog::Subscription> more;
  const auto subscription = catalog->Subscribe([&](const CatalogChange& change) {
    EXPECT_EQ(catalog->Current()->generation, change.after->generation);
    more.push_back(catalog->Subscribe([](const CatalogChange&) {}));
    EXPECT_EQ(more.back().from->generation, change.after->generation);
  });
  ASSERT_TRUE(catalog->Commit(0, {AsChange(SampleUpstream("a"))}));
  EXPECT_EQ(more.size(), 1u);
}

// What one catalog is told by another one on the same store.
class TwoCatalogs : public testing::Test {
 protected:
  bool Reaches(const Catalog& catalog, std::int64_t generation) {
    return Eventually([&] { return catalog.Current()->generation == generation; });
  }

  MemoryStore store_{/*step=*/5};
  std::unique_ptr<Catalog> one_ = Catalog::Load(store_).value();
  std::unique_ptr<Catalog> other_ = Catalog::Load(store_).value();
};

TEST_F(TwoCatalogs, TellTheirSubscribersWhatTheOtherCommits) {
  std::mutex mutex;
  std::vector<CatalogChange> heard;
  const auto subscription = one_->Subscribe([&](const CatalogChange& change) {
    const std::lock_guard lock(mutex);
    heard.push_back(change);
  });
  ASSERT_TRUE(one_->Commit(0, {AsChange(SampleUpstream("a", "127.0.0.1:1"))}));
  ASSERT_TRUE(Reaches(*other_, 5));
  ASSERT_TRUE(other_->Commit(5, {AsChange(SampleUpstream("a", "127.0.0.1:2"))}));
  ASSERT_TRUE(other_->Commit(10, {test::Removal(SampleUpstream("a"))}));
  ASSERT_TRUE(Reaches(*one_, 15));
  EXPECT_EQ(one_->Current()->resources.size(), 0u);
  ASSERT_TRUE(one_->Commit(15, {AsChange(SampleUpstream("b"))}));

  const std::lock_guard lock(mutex);
  ASSERT_EQ(heard.size(), 4u);
  for (std::size_t i = 0; i < heard.size(); ++i) {
    EXPECT_EQ(heard[i].after->generation, 5 * (static_cast<std::int64_t>(i) + 1));
  }
  ASSERT_EQ(heard[1].changes.size(), 1u);
  EXPECT_EQ(heard[1].changes[0].before->As<v1::Upstream>().spec().endpoints(0).address(),
            "127.0.0.1:1");
  EXPECT_EQ(heard[1].changes[0].after->As<v1::Upstream>().spec().endpoints(0).address(),
            "127.0.0.1:2");
  EXPECT_EQ(heard[2].changes[0].after, nullptr);
}

// Whoever lost a race can plan its next try on what won, without waiting to be told.
TEST_F(TwoCatalogs, HaveWhatWasFasterWhenACommitIsRefused) {
  store_.BeatNextCommit({AsChange(SampleUpstream("faster"))});
  const auto late = one_->Commit(0, {AsChange(SampleUpstream("late"))});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kConflict);
  EXPECT_EQ(one_->Current()->generation, 5);
  EXPECT_NE(one_->Current()->resources.Find(test::KeyOf(SampleUpstream("faster"))), nullptr);
  EXPECT_TRUE(one_->Commit(5, {AsChange(SampleUpstream("late"))}));
}

TEST_F(TwoCatalogs, SayThatTheChangeWasNotStoredWhenWhatWasFasterCannotBeRead) {
  store_.BeatNextCommit({AsChange(SampleUpstream("faster"))});
  store_.FailReads(Error{ErrorCode::kUnavailable, "the disk is away"});
  const auto late = one_->Commit(0, {AsChange(SampleUpstream("late"))});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(late.error().message, "the disk is away; the change was not stored");
  store_.FailReads(std::nullopt);
  EXPECT_TRUE(Reaches(*one_, 5)) << "it goes on when the store can be read";
}

// What was there is served on: nobody may take the loss of a store for a wish to delete everything.
TEST_F(TwoCatalogs, ServeOnAndRefuseChangesWhenTheStoreIsPutBack) {
  ASSERT_TRUE(one_->Commit(0, {AsChange(SampleUpstream("a"))}));
  store_.PutBackToNothing();
  const auto refused = one_->Commit(5, {AsChange(SampleUpstream("b"))});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(refused.error().message,
              testing::AllOf(testing::HasSubstr("restart the control plane"),
                             testing::HasSubstr("the change was not stored")));
  EXPECT_EQ(one_->Current()->resources.size(), 1u);
  EXPECT_TRUE(store_.Read()->resources.empty());
}

// As one change: what was in between is not known any more.
TEST_F(TwoCatalogs, ReadTheStoreAgainWhenTheHistoryIsGone) {
  ASSERT_TRUE(one_->Commit(0, {AsChange(SampleUpstream("kept")), AsChange(SampleUpstream("gone")),
                               AsChange(SampleUpstream("changed", "127.0.0.1:1"))}));
  ASSERT_TRUE(Reaches(*other_, 5));
  std::mutex mutex;
  std::vector<CatalogChange> heard;
  const auto subscription = one_->Subscribe([&](const CatalogChange& change) {
    const std::lock_guard lock(mutex);
    heard.push_back(change);
  });
  store_.FailReads(Error{ErrorCode::kUnavailable, "held up"});
  ASSERT_TRUE(store_.Commit(5, {test::Removal(SampleUpstream("gone"))}));
  ASSERT_TRUE(store_.Commit(10, {AsChange(SampleUpstream("changed", "127.0.0.1:2"))}));
  ASSERT_TRUE(store_.Commit(15, {AsChange(SampleUpstream("new"))}));
  store_.ForgetHistory();
  store_.FailReads(std::nullopt);
  ASSERT_TRUE(Reaches(*one_, 20));
  EXPECT_EQ(one_->Current()->resources.size(), 3u);

  const std::lock_guard lock(mutex);
  ASSERT_EQ(heard.size(), 1u);
  std::vector<std::string> told;
  for (const model::Change& change : heard[0].changes) {
    told.push_back((change.before == nullptr  ? "+"
                    : change.after == nullptr ? "-"
                                              : "~") +
                   change.key.name);
  }
  EXPECT_THAT(told, testing::UnorderedElementsAre("-gone", "~changed", "+new"));
}

// Many writers at once: each retries until its own change is in. Nothing is lost, every subscriber
// hears every generation once and in order, whenever it came.
TEST(Catalog, KeepsGenerationsDenseUnderManyWritersAndSubscribers) {
  constexpr int kWriters = 8;
  constexpr int kCommitsEach = 25;
  MemoryStore store;
  const auto catalog = Catalog::Load(store).value();

  struct Listener {
    std::vector<std::int64_t> heard;
    Catalog::Subscription subscription;
  };
  Listener always;
  always.subscription = catalog->Subscribe(
      [&](const CatalogChange& change) { always.heard.push_back(change.after->generation); });

  // One that keeps coming and going: what it hears follows what it began with, without a gap.
  std::atomic<bool> done = false;
  std::atomic<int> gaps = 0;
  std::thread coming_and_going([&] {
    while (!done) {
      std::mutex mutex;
      std::vector<std::int64_t> heard;
      auto subscription = catalog->Subscribe([&](const CatalogChange& change) {
        const std::lock_guard lock(mutex);
        heard.push_back(change.after->generation);
      });
      std::this_thread::yield();
      subscription.handle.reset();
      std::int64_t last = subscription.from->generation;
      for (const std::int64_t generation : heard) {
        if (generation != ++last) ++gaps;
      }
    }
  });

  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; i < kCommitsEach; ++i) {
        const auto change =
            AsChange(SampleUpstream("u-" + std::to_string(writer) + "-" + std::to_string(i)));
        while (!catalog->Commit(catalog->Current()->generation, {change})) {
        }
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  done = true;
  coming_and_going.join();

  EXPECT_EQ(gaps, 0);
  EXPECT_EQ(catalog->Current()->generation, kWriters * kCommitsEach);
  EXPECT_EQ(catalog->Current()->resources.size(),
            static_cast<std::size_t>(kWriters * kCommitsEach));
  ASSERT_EQ(always.heard.size(), static_cast<std::size_t>(kWriters * kCommitsEach));
  for (std::size_t i = 0; i < always.heard.size(); ++i) {
    EXPECT_EQ(always.heard[i], static_cast<std::int64_t>(i) + 1);
  }
}

}  // namespace
}  // namespace sluice::controlplane
