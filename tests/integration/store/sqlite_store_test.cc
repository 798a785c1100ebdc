#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/base/limits.h"
#include "controlplane/store/catalog.h"
#include "controlplane/store/store.h"
#include "tests/support/sample_resources.h"
#include "tests/support/temp_dir.h"

namespace sluice::controlplane {
namespace {

using test::AsChange;
using test::Removal;
using test::SampleListener;
using test::SampleUpstream;

class SqliteStoreTest : public testing::Test {
 protected:
  SqliteStoreTest() { Open(); }
  void Open() {
    store_.reset();
    auto opened = OpenStore("sqlite:" + dir_.File("store.db"));
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  void Commit(std::int64_t based_on, const std::vector<model::Change>& changes) {
    const auto generation = store_->Commit(based_on, changes);
    ASSERT_TRUE(generation) << generation.error().message;
    ASSERT_EQ(*generation, based_on + 1);
  }
  static std::string AddressOf(const model::Resource& resource) {
    return resource.As<v1::Upstream>().spec().endpoints(0).address();
  }

  test::TempDir dir_;
  std::unique_ptr<Store> store_;
};

TEST_F(SqliteStoreTest, BeginsEmptyAtGenerationZero) {
  const auto state = store_->Read().value();
  EXPECT_EQ(state.generation, 0);
  EXPECT_TRUE(state.resources.empty());
  EXPECT_TRUE(store_->CommitsAfter(0)->empty());
}

TEST_F(SqliteStoreTest, KeepsObjectsAndGenerationOverAReopening) {
  v1::Upstream elsewhere = SampleUpstream("db", "127.0.0.1:7");
  elsewhere.mutable_metadata()->set_namespace_("elsewhere");
  Commit(0, {AsChange(SampleUpstream("db")), AsChange(elsewhere),
             AsChange(SampleListener("front", "127.0.0.1:80", "db"))});
  Commit(1, {AsChange(SampleUpstream("db", "127.0.0.1:9001")),
             Removal(SampleListener("front", "127.0.0.1:80", "db"))});
  Open();
  const auto state = store_->Read().value();
  EXPECT_EQ(state.generation, 2);
  ASSERT_EQ(state.resources.size(), 2u);
  const auto set = Catalog::Load(*store_).value()->Current()->resources;
  EXPECT_EQ(AddressOf(*set.Find(test::KeyOf(SampleUpstream("db")))), "127.0.0.1:9001");
  EXPECT_EQ(AddressOf(*set.Find(test::KeyOf(elsewhere))), "127.0.0.1:7");
}

TEST_F(SqliteStoreTest, RefusesACommitBasedOnAnOlderGeneration) {
  Commit(0, {AsChange(SampleUpstream("a"))});
  const auto late = store_->Commit(0, {AsChange(SampleUpstream("b"))});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kConflict);
  EXPECT_EQ(store_->Read()->resources.size(), 1u);
}

TEST_F(SqliteStoreTest, TellsWhatEachGenerationChangedAndWhatWasBefore) {
  Commit(0, {AsChange(SampleUpstream("a", "127.0.0.1:1"))});
  Commit(1, {AsChange(SampleUpstream("a", "127.0.0.1:2")),
             AsChange(SampleUpstream("b", "127.0.0.1:3"))});
  Commit(2, {Removal(SampleUpstream("a"))});
  Commit(3, {AsChange(SampleUpstream("a", "127.0.0.1:4"))});
  Open();

  const auto commits = store_->CommitsAfter(0).value();
  ASSERT_EQ(commits.size(), 4u);
  EXPECT_EQ(commits[0].generation, 1);
  EXPECT_EQ(commits[0].changes[0].before, nullptr);
  EXPECT_EQ(AddressOf(*commits[0].changes[0].after), "127.0.0.1:1");
  ASSERT_EQ(commits[1].changes.size(), 2u);
  EXPECT_EQ(AddressOf(*commits[1].changes[0].before), "127.0.0.1:1");
  EXPECT_EQ(AddressOf(*commits[1].changes[0].after), "127.0.0.1:2");
  EXPECT_EQ(commits[1].changes[1].key.name, "b");
  EXPECT_EQ(AddressOf(*commits[1].changes[1].after), "127.0.0.1:3");
  EXPECT_EQ(AddressOf(*commits[2].changes[0].before), "127.0.0.1:2");
  EXPECT_EQ(commits[2].changes[0].after, nullptr);
  EXPECT_EQ(commits[3].changes[0].before, nullptr);
  EXPECT_EQ(AddressOf(*commits[3].changes[0].after), "127.0.0.1:4");

  EXPECT_EQ(store_->CommitsAfter(3)->size(), 1u);
  EXPECT_TRUE(store_->CommitsAfter(4)->empty());
  EXPECT_EQ(store_->CommitsAfter(5).error().code, ErrorCode::kOutOfRange);
}

TEST_F(SqliteStoreTest, KeepsEarlierFormsNewestFirst) {
  Commit(0, {AsChange(SampleUpstream("a", "127.0.0.1:1"))});
  Commit(1, {AsChange(SampleUpstream("a", "127.0.0.1:2"))});
  Commit(2, {AsChange(SampleUpstream("a", "127.0.0.1:3"))});
  const auto forms = store_->EarlierForms(test::KeyOf(SampleUpstream("a"))).value();
  ASSERT_EQ(forms.size(), 2u);
  EXPECT_EQ(AddressOf(forms[0]), "127.0.0.1:2");
  EXPECT_EQ(AddressOf(forms[1]), "127.0.0.1:1");
  EXPECT_TRUE(store_->EarlierForms(test::KeyOf(SampleUpstream("b")))->empty());
}

TEST_F(SqliteStoreTest, ForgetsHistoryBeyondItsBytesAndSaysSo) {
  v1::Upstream big = SampleUpstream("big");
  (*big.mutable_metadata()->mutable_annotations())["note"] = std::string(16 << 20, 'x');
  const std::int64_t generations =
      static_cast<std::int64_t>(limits::kHistoryBytes / (16 << 20)) + 3;
  for (std::int64_t i = 0; i < generations; ++i) Commit(i, {AsChange(big)});
  for (int reopened = 0; reopened < 2; ++reopened) {
    const auto old = store_->CommitsAfter(0);
    ASSERT_FALSE(old);
    EXPECT_EQ(old.error().code, ErrorCode::kOutOfRange);
    EXPECT_THAT(old.error().message, testing::HasSubstr("no longer kept"));
    EXPECT_EQ(store_->CommitsAfter(generations - 2)->size(), 2u);
    Open();
  }
}

TEST_F(SqliteStoreTest, ForgetsGenerationsBeyondTheLimit) {
  const auto limit = static_cast<std::int64_t>(limits::kHistoryGenerations);
  const auto change = AsChange(SampleUpstream("a"));
  for (std::int64_t i = 0; i < limit + 5; ++i) ASSERT_TRUE(store_->Commit(i, {change}));
  EXPECT_EQ(store_->CommitsAfter(4).error().code, ErrorCode::kOutOfRange);
  EXPECT_EQ(store_->CommitsAfter(5)->size(), limits::kHistoryGenerations);
}

TEST_F(SqliteStoreTest, SendsAWatcherThatMissedTooMuchBackToTheList) {
  std::vector<model::Change> changes;
  for (std::size_t i = 0; i < limits::kWatchBacklog; ++i) {
    changes.push_back(AsChange(SampleUpstream("u" + std::to_string(i))));
  }
  Commit(0, changes);
  EXPECT_TRUE(store_->CommitsAfter(0));
  Commit(1, {AsChange(SampleUpstream("one-more"))});
  EXPECT_EQ(store_->CommitsAfter(0).error().code, ErrorCode::kOutOfRange);
}

}  // namespace
}  // namespace sluice::controlplane
