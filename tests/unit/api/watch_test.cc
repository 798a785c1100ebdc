#include "controlplane/api/watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/base/limits.h"
#include "sluice/v1/data_plane.pb.h"
#include "tests/support/fake_fleet.h"
#include "tests/support/memory_store.h"
#include "tests/support/sample_resources.h"

namespace sluice::controlplane {
namespace {

using test::AsChange;
using test::Removal;
using test::SampleListener;
using test::SampleUpstream;
using testing::ElementsAre;
using testing::IsEmpty;

class WatchTest : public testing::Test {
 protected:
  void Commit(std::vector<model::Change> changes) {
    ASSERT_TRUE(catalog_->Commit(catalog_->Current()->generation, std::move(changes)));
  }
  std::unique_ptr<Watch> Start(const std::string& kind, const std::string& selector = "",
                               std::int64_t from = 0) {
    v1::WatchRequest request;
    request.set_kind(kind);
    request.set_label_selector(selector);
    request.set_from_generation(from);
    auto watch = StartWatch(request, *catalog_, fleet_, [this] { ++wakes_; });
    EXPECT_TRUE(watch) << watch.error().message;
    return std::move(*watch);
  }
  // What Next says until it is idle: `ADDED a @1`.
  static std::vector<std::string> Read(Watch& watch) {
    std::vector<std::string> events;
    for (;;) {
      v1::WatchResponse event;
      const auto progress = watch.Next(event);
      if (progress == Watch::Progress::kIdle) return events;
      if (progress == Watch::Progress::kTooSlow) {
        events.push_back("TOO SLOW");
        return events;
      }
      std::string text = v1::WatchResponse::Event_Name(event.event());
      if (event.has_resource())
        text += " " + model::Resource::FromAny(event.resource())->key().name;
      events.push_back(text + " @" + std::to_string(event.generation()));
    }
  }

  test::MemoryStore store_;
  std::unique_ptr<Catalog> catalog_ = Catalog::Load(store_).value();
  test::FakeFleet fleet_;
  int wakes_ = 0;
};

TEST_F(WatchTest, BeginsWithEverythingAndGoesOnWithChanges) {
  Commit({AsChange(SampleUpstream("a")), AsChange(SampleUpstream("b"))});
  const auto watch = Start("Upstream");
  EXPECT_THAT(Read(*watch), ElementsAre("ADDED a @1", "ADDED b @1", "SYNCED @1"));
  Commit({AsChange(SampleUpstream("a", "127.0.0.1:1")), AsChange(SampleUpstream("c"))});
  Commit({Removal(SampleUpstream("b"))});
  EXPECT_EQ(wakes_, 2);
  EXPECT_THAT(Read(*watch), ElementsAre("MODIFIED a @2", "ADDED c @2", "DELETED b @3"));
}

TEST_F(WatchTest, OfOneNameHearsOfThatObjectOnly) {
  Commit({AsChange(SampleUpstream("a")), AsChange(SampleUpstream("b"))});
  v1::WatchRequest request;
  request.set_kind("Upstream");
  request.set_name("b");
  const auto watch = StartWatch(request, *catalog_, fleet_, [] {});
  ASSERT_TRUE(watch);
  EXPECT_THAT(Read(**watch), ElementsAre("ADDED b @1", "SYNCED @1"));
  Commit({Removal(SampleUpstream("a"))});
  Commit({Removal(SampleUpstream("b"))});
  EXPECT_THAT(Read(**watch), ElementsAre("DELETED b @3"));
}

TEST_F(WatchTest, HearsWhatChangesWhileTheBeginningIsBeingSent) {
  Commit({AsChange(SampleUpstream("a"))});
  const auto watch = Start("Upstream");
  Commit({Removal(SampleUpstream("a"))});
  EXPECT_THAT(Read(*watch), ElementsAre("ADDED a @1", "SYNCED @1", "DELETED a @2"));
}

TEST_F(WatchTest, HearsNothingOfOtherKinds) {
  const auto watch = Start("Listener");
  Commit({AsChange(SampleUpstream("a"))});
  EXPECT_EQ(wakes_, 0);
  EXPECT_THAT(Read(*watch), ElementsAre("SYNCED @0"));
}

TEST_F(WatchTest, ResumesAfterAGeneration) {
  Commit({AsChange(SampleUpstream("a"))});
  Commit({AsChange(SampleUpstream("b"))});
  Commit({AsChange(SampleUpstream("c"))});
  const auto watch = Start("Upstream", "", 1);
  EXPECT_THAT(Read(*watch), ElementsAre("ADDED b @2", "ADDED c @3", "SYNCED @3"));
  Commit({AsChange(SampleUpstream("d"))});
  EXPECT_THAT(Read(*watch), ElementsAre("ADDED d @4"));
}

TEST_F(WatchTest, AnObjectThatLeavesTheSelectionIsDeletedToTheWatcher) {
  Commit({AsChange(SampleUpstream("a", "127.0.0.1:1", {{"tier", "gold"}})),
          AsChange(SampleUpstream("b"))});
  const auto watch = Start("Upstream", "tier=gold");
  EXPECT_THAT(Read(*watch), ElementsAre("ADDED a @1", "SYNCED @1"));
  Commit({AsChange(SampleUpstream("a")),
          AsChange(SampleUpstream("b", "127.0.0.1:1", {{"tier", "gold"}}))});
  EXPECT_THAT(Read(*watch), ElementsAre("DELETED a @2", "ADDED b @2"));
  Commit({AsChange(SampleUpstream("a", "127.0.0.1:2"))});
  EXPECT_THAT(Read(*watch), IsEmpty());
}

TEST_F(WatchTest, TellsOfAStatusThatChangedAlone) {
  Commit({AsChange(SampleUpstream("a")), AsChange(SampleUpstream("b"))});
  const auto watch = Start("Upstream");
  Read(*watch);
  watch->CompareStatuses();
  EXPECT_THAT(Read(*watch), IsEmpty());
  fleet_.SetSynced(test::KeyOf(SampleUpstream("b")), "1/2");
  fleet_.SetSynced(test::KeyOf(SampleUpstream("b")), "2/2");
  watch->CompareStatuses();
  v1::WatchResponse event;
  ASSERT_EQ(watch->Next(event), Watch::Progress::kEvent);
  EXPECT_EQ(event.event(), v1::WatchResponse::MODIFIED);
  v1::Upstream upstream;
  ASSERT_TRUE(event.resource().UnpackTo(&upstream));
  EXPECT_EQ(upstream.metadata().name(), "b");
  EXPECT_EQ(upstream.status().conditions(0).message(), "2/2");
  watch->CompareStatuses();
  EXPECT_THAT(Read(*watch), IsEmpty());
}

TEST_F(WatchTest, CutsAWatcherThatIsTooSlow) {
  const auto watch = Start("Upstream");
  Read(*watch);
  for (std::size_t sent = 0; sent <= limits::kWatchBacklog;) {
    std::vector<model::Change> changes;
    for (int i = 0; i < 1000; ++i, ++sent)
      changes.push_back(AsChange(SampleUpstream("u" + std::to_string(i))));
    Commit(std::move(changes));
  }
  EXPECT_THAT(Read(*watch), ElementsAre("TOO SLOW"));
}

TEST_F(WatchTest, FollowsDataPlanesFromTheFleet) {
  const auto plane = [](const std::string& name, int sessions) {
    v1::DataPlane message;
    message.mutable_metadata()->set_name(name);
    message.mutable_status()->set_sessions(static_cast<std::uint64_t>(sessions));
    return test::AsResource(message);
  };
  fleet_.SetDataPlanes({plane("n1", 0), plane("n2", 0)});
  const auto watch = Start("DataPlane");
  EXPECT_THAT(Read(*watch), ElementsAre("ADDED n1 @0", "ADDED n2 @0", "SYNCED @0"));
  fleet_.SetDataPlanes({plane("n2", 5), plane("n3", 0)});
  watch->CompareStatuses();
  EXPECT_THAT(Read(*watch), ElementsAre("MODIFIED n2 @0", "ADDED n3 @0", "DELETED n1 @0"));
  watch->CompareStatuses();
  EXPECT_THAT(Read(*watch), IsEmpty());
}

}  // namespace
}  // namespace sluice::controlplane
