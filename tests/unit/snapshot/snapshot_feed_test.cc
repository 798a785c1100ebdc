#include "controlplane/snapshot/snapshot_feed.h"

#include <gmock/gmock.h>

#include <mutex>
#include <thread>
#include <vector>

#include "tests/support/eventually.h"
#include "tests/support/memory_catalog.h"
#include "tests/support/memory_store.h"
#include "tests/support/sample_resources.h"

namespace sluice::controlplane {
namespace {

using test::Eventually;
using test::MakeListener;
using test::MakeUpstream;

class Recorder final : public SnapshotListener {
 public:
  void OnSnapshot(std::shared_ptr<const Snapshot> snapshot) override {
    const std::lock_guard lock(mutex_);
    generations_.push_back(snapshot->generation);
  }
  std::vector<std::int64_t> generations() const {
    const std::lock_guard lock(mutex_);
    return generations_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::int64_t> generations_;
};

TEST(SnapshotFeedTest, StartsFromWhatTheCatalogHas) {
  test::MemoryStore store;
  test::MemoryCatalog catalog;
  catalog.Apply({MakeUpstream("db"), MakeListener({.name = "db", .upstream = "db"})});
  SnapshotFeed feed(catalog, store);
  const auto view = feed.Open({}, {});
  EXPECT_EQ(view->Current()->generation, 1);
  EXPECT_NE(view->Current()->Find(0, "default/db"), nullptr);
}

TEST(SnapshotFeedTest, ListenersHearOfGrowingGenerationsUpToTheLast) {
  test::MemoryStore store;
  test::MemoryCatalog catalog;
  SnapshotFeed feed(catalog, store);
  const auto recorder = std::make_shared<Recorder>();
  const auto view = feed.Open({}, recorder);
  for (int port = 1; port <= 100; ++port) catalog.Apply({MakeUpstream("db", {port})});
  ASSERT_TRUE(Eventually([&] {
    const auto generations = recorder->generations();
    return !generations.empty() && generations.back() == 100;
  }));
  const auto generations = recorder->generations();
  EXPECT_TRUE(std::is_sorted(generations.begin(), generations.end()));
  EXPECT_EQ(view->Current()->generation, 100);
}

TEST(SnapshotFeedTest, ViewsComeAndGoWhileGenerationsAreCommitted) {
  test::MemoryStore store;
  test::MemoryCatalog catalog;
  SnapshotFeed feed(catalog, store);
  std::thread writer([&catalog] {
    for (int i = 1; i <= 100; ++i) {
      catalog.Apply(
          {MakeUpstream("db"),
           MakeListener(
               {.name = "db", .upstream = "db", .node_selector = {{"n", std::to_string(i % 5)}}})});
    }
  });
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 3; ++reader) {
    readers.emplace_back([&feed, reader] {
      for (int i = 0; i < 50; ++i) {
        const auto recorder = std::make_shared<Recorder>();
        const auto view = feed.Open({{"n", std::to_string((reader + i) % 5)}}, recorder);
        EXPECT_NE(view->Current(), nullptr);
      }
    });
  }
  writer.join();
  for (std::thread& reader : readers) reader.join();
  EXPECT_TRUE(Eventually([&] { return feed.generation() == 100; }));
}

}  // namespace
}  // namespace sluice::controlplane
