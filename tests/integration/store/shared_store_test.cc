// Several openers of one file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/magic.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/base/limits.h"
#include "controlplane/store/store.h"
#include "controlplane/store/store_lock.h"
#include "tests/support/eventually.h"
#include "tests/support/follower.h"
#include "tests/support/sample_resources.h"
#include "tests/support/temp_dir.h"

namespace sluice::controlplane {
namespace {

using test::AsChange;
using test::SampleUpstream;

class SharedStore : public testing::Test {
 protected:
  std::unique_ptr<Store> Open() {
    auto opened = OpenStore("sqlite:" + dir_.File("store.db"));
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? std::move(*opened) : nullptr;
  }

  test::TempDir dir_;
};

TEST_F(SharedStore, ReadsWhatAnotherOpenerCommitted) {
  const auto one = Open();
  const auto other = Open();
  ASSERT_TRUE(one->Commit(0, {AsChange(SampleUpstream("a"))}));
  EXPECT_EQ(other->Read()->generation, 1);
  EXPECT_EQ(other->Read()->resources.size(), 1u);
  EXPECT_EQ(other->CommitsAfter(0)->size(), 1u);
  ASSERT_TRUE(other->Commit(1, {AsChange(SampleUpstream("b"))}));
  EXPECT_EQ(one->Read()->resources.size(), 2u);
}

TEST_F(SharedStore, RefusesACommitThatAnotherOpenerWasFasterThan) {
  const auto one = Open();
  const auto other = Open();
  ASSERT_TRUE(one->Commit(0, {AsChange(SampleUpstream("a"))}));
  const auto late = other->Commit(0, {AsChange(SampleUpstream("a", "127.0.0.1:1"))});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kConflict);
  EXPECT_EQ(other->CommitsAfter(0)->size(), 1u) << "nothing of it is left";
}

TEST_F(SharedStore, MayBeMadeByManyAtOnce) {
  constexpr int kOpeners = 8;
  std::vector<std::unique_ptr<Store>> stores(kOpeners);
  std::vector<std::thread> openers;
  for (auto& store : stores) openers.emplace_back([&store, this] { store = Open(); });
  for (std::thread& opener : openers) opener.join();
  std::int64_t generation = 0;
  for (const auto& store : stores) {
    ASSERT_NE(store, nullptr);
    ASSERT_TRUE(store->Commit(generation, {AsChange(SampleUpstream("a"))}));
    EXPECT_EQ(stores[0]->Read()->generation, ++generation);
  }
}

// Opening and closing is where SQLite makes and removes its log.
TEST_F(SharedStore, LosesNothingWhileOthersComeAndGo) {
  const auto store = Open();
  std::atomic<bool> done = false;
  std::thread coming_and_going([&] {
    while (!done) {
      const auto other = Open();
      if (other == nullptr || !other->Read()) return;
    }
  });
  constexpr int kCommits = 200;
  for (int i = 0; i < kCommits; ++i) {
    const auto committed = store->Commit(i, {AsChange(SampleUpstream("u" + std::to_string(i)))});
    EXPECT_TRUE(committed) << committed.error().message;
  }
  done = true;
  coming_and_going.join();
  EXPECT_EQ(store->Read()->resources.size(), static_cast<std::size_t>(kCommits));
}

TEST_F(SharedStore, KeepsTheHistoryWithinItsBoundWhoeverCommits) {
  const auto one = Open();
  const auto other = Open();
  v1::Upstream big = SampleUpstream("big");
  (*big.mutable_metadata()->mutable_annotations())["note"] = std::string(16 << 20, 'x');
  const auto kept = static_cast<std::int64_t>(limits::kHistoryBytes / (16 << 20));
  for (std::int64_t i = 0; i < kept + 6; ++i) {
    ASSERT_TRUE((i % 2 == 0 ? one : other)->Commit(i, {AsChange(big)}));
  }
  for (const auto* store : {&one, &other}) {
    EXPECT_EQ((*store)->CommitsAfter(3).error().code, ErrorCode::kOutOfRange);
    EXPECT_EQ((*store)->CommitsAfter(kept + 4)->size(), 2u);
  }
}

TEST_F(SharedStore, TellsAFollowerWhatOthersCommitAndWhatItCommitsItself) {
  const auto one = Open();
  const auto other = Open();
  ASSERT_TRUE(one->Commit(0, {AsChange(SampleUpstream("a"))}));
  test::Follower follower;
  const auto following = one->Follow(1, follower.Sink());
  ASSERT_TRUE(other->Commit(1, {AsChange(SampleUpstream("a", "127.0.0.1:7"))}));
  ASSERT_TRUE(test::Eventually([&] { return follower.Commits().size() == 1; }));
  ASSERT_TRUE(one->Commit(2, {test::Removal(SampleUpstream("a"))}));
  ASSERT_TRUE(test::Eventually([&] { return follower.Commits().size() == 2; }));
  ASSERT_TRUE(other->Commit(3, {AsChange(SampleUpstream("b"))}));
  ASSERT_TRUE(test::Eventually([&] { return follower.Commits().size() == 3; }));

  EXPECT_THAT(follower.Generations(), testing::ElementsAre(2, 3, 4));
  const model::Change changed = follower.Commits()[0].changes.at(0);
  EXPECT_EQ(changed.before->As<v1::Upstream>().spec().endpoints(0).address(), "127.0.0.1:9000");
  EXPECT_EQ(changed.after->As<v1::Upstream>().spec().endpoints(0).address(), "127.0.0.1:7");
  EXPECT_EQ(follower.Commits()[1].changes.at(0).after, nullptr);
  EXPECT_TRUE(follower.Errors().empty());
}

TEST_F(SharedStore, SendsAFollowerThatIsTooFarBehindBackToReading) {
  const auto one = Open();
  std::vector<model::Change> many;
  for (std::size_t i = 0; i < limits::kWatchBacklog; ++i) {
    many.push_back(AsChange(SampleUpstream("u" + std::to_string(i))));
  }
  ASSERT_TRUE(one->Commit(0, many));
  ASSERT_TRUE(one->Commit(1, {AsChange(SampleUpstream("one-more"))}));
  const auto other = Open();
  test::Follower follower;
  const auto following = other->Follow(0, follower.Sink());
  ASSERT_TRUE(test::Eventually([&] { return !follower.Errors().empty(); }));
  EXPECT_EQ(follower.Errors()[0].code, ErrorCode::kOutOfRange);
  following->Passed(other->Read()->generation);
  ASSERT_TRUE(one->Commit(2, {AsChange(SampleUpstream("two-more"))}));
  ASSERT_TRUE(test::Eventually([&] { return follower.Commits().size() == 1; }));
  EXPECT_EQ(follower.Commits()[0].generation, 3);
}

TEST(StoreLock, KnowsFileSystemsThatOtherMachinesMayHaveMounted) {
  for (const long type : {NFS_SUPER_MAGIC, FUSE_SUPER_MAGIC, V9FS_MAGIC}) {
    EXPECT_TRUE(MayHaveSeveralMachines(type)) << type;
  }
  // What statfs(2) says where a word is 32 bits: the sign goes with it.
  EXPECT_TRUE(MayHaveSeveralMachines(static_cast<int>(0xff534d42u)));
  for (const long type : {EXT4_SUPER_MAGIC, TMPFS_MAGIC, XFS_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC}) {
    EXPECT_FALSE(MayHaveSeveralMachines(type)) << type;
  }
}

}  // namespace
}  // namespace sluice::controlplane
