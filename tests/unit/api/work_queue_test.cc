#include "controlplane/api/work_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <vector>

namespace sluice::controlplane {
namespace {

TEST(WorkQueue, DoesWhatWasPostedInOrderBeforeItStops) {
  std::vector<int> done;
  WorkQueue queue(100);
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(queue.Post([&done, i] { done.push_back(i); }));
  queue.Stop();
  ASSERT_EQ(done.size(), 50u);
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
  EXPECT_FALSE(queue.Post([] {}));
}

TEST(WorkQueue, RefusesWhatIsBeyondItsCapacity) {
  std::promise<void> started, gate;
  WorkQueue queue(2);
  ASSERT_TRUE(queue.Post([&] {
    started.set_value();
    gate.get_future().wait();
  }));
  started.get_future().wait();
  EXPECT_TRUE(queue.Post([] {}));
  EXPECT_TRUE(queue.Post([] {}));
  EXPECT_FALSE(queue.Post([] {}));
  gate.set_value();
}

}  // namespace
}  // namespace sluice::controlplane
