#include "controlplane/store/polled_following.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "tests/support/eventually.h"
#include "tests/support/follower.h"
#include "tests/support/memory_store.h"
#include "tests/support/sample_resources.h"

namespace sluice::controlplane {
namespace {

using test::AsChange;
using test::Eventually;
using test::Follower;
using test::MemoryStore;
using test::SampleUpstream;
using testing::ElementsAre;

const std::vector<model::Change> kChange = {AsChange(SampleUpstream("a"))};

TEST(PolledFollowing, TellsEveryCommitAfterItsBeginningInOrder) {
  MemoryStore store(/*step=*/10);
  ASSERT_TRUE(store.Commit(0, kChange));
  ASSERT_TRUE(store.Commit(10, kChange));
  Follower follower;
  const auto following = store.Follow(10, follower.Sink());
  ASSERT_TRUE(Eventually([&] { return follower.Generations().size() == 1; }));
  ASSERT_TRUE(store.Commit(20, kChange));
  ASSERT_TRUE(store.Commit(30, kChange));
  ASSERT_TRUE(Eventually([&] { return follower.Generations().size() == 3; }));
  EXPECT_THAT(follower.Generations(), ElementsAre(20, 30, 40));
  EXPECT_NE(follower.Commits()[0].changes.at(0).before, nullptr);
}

TEST(PolledFollowing, GoesOnAfterWhatItsFollowerHas) {
  MemoryStore store;
  Follower follower;
  store.FailReads(Error{ErrorCode::kUnavailable, "not yet"});
  const auto following = store.Follow(0, follower.Sink());
  ASSERT_TRUE(store.Commit(0, kChange));
  ASSERT_TRUE(store.Commit(1, kChange));
  following->Passed(1);
  store.FailReads(std::nullopt);
  ASSERT_TRUE(Eventually([&] { return !follower.Generations().empty(); }));
  EXPECT_THAT(follower.Generations(), ElementsAre(2));
}

TEST(PolledFollowing, SaysThatItCannotReadAndThatItCanAgain) {
  MemoryStore store;
  Follower follower;
  const auto following = store.Follow(0, follower.Sink());
  store.FailReads(Error{ErrorCode::kUnavailable, "the disk is away"});
  ASSERT_TRUE(Eventually([&] { return follower.Errors().size() == 2; }));
  EXPECT_EQ(follower.Errors()[1].message, "the disk is away");
  store.FailReads(std::nullopt);
  ASSERT_TRUE(Eventually([&] { return follower.Recoveries() == 1; }));
  ASSERT_TRUE(store.Commit(0, kChange));
  ASSERT_TRUE(Eventually([&] { return !follower.Generations().empty(); }));
  EXPECT_THAT(follower.Generations(), ElementsAre(1));
}

TEST(PolledFollowing, SendsAFollowerBackToReadingWhenTheHistoryIsGone) {
  MemoryStore store;
  ASSERT_TRUE(store.Commit(0, kChange));
  ASSERT_TRUE(store.Commit(1, kChange));
  store.ForgetHistory();
  Follower follower;
  const auto following = store.Follow(0, follower.Sink());
  ASSERT_TRUE(Eventually([&] { return !follower.Errors().empty(); }));
  EXPECT_EQ(follower.Errors()[0].code, ErrorCode::kOutOfRange);
  EXPECT_TRUE(follower.Generations().empty());
  following->Passed(store.Read()->generation);
  ASSERT_TRUE(store.Commit(2, kChange));
  ASSERT_TRUE(Eventually([&] { return !follower.Generations().empty(); }));
  EXPECT_THAT(follower.Generations(), ElementsAre(3));
}

TEST(PolledFollowing, IsSilentOnceItHasEnded) {
  MemoryStore store;
  std::atomic<bool> ended = false;
  std::atomic<int> calls = 0;
  std::atomic<int> late = 0;
  auto following = store.Follow(0, [&](auto) {
    ++calls;
    if (ended) ++late;
  });
  std::int64_t generation = 0;
  while (calls < 3) generation = *store.Commit(generation, kChange);
  following.reset();
  ended = true;
  ASSERT_TRUE(store.Commit(generation, kChange));
  EXPECT_EQ(late, 0);
}

}  // namespace
}  // namespace sluice::controlplane
