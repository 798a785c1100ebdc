#include "controlplane/server/stream_driver.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <utility>
#include <vector>

#include "tests/support/eventually.h"
#include "tests/support/fake_fleet.h"

namespace sluice::controlplane {
namespace {

using test::Eventually;
using test::kPatience;

class Stream final : public LiveStream {
 public:
  explicit Stream(std::function<void()> on_pump = [] {}) : on_pump_(std::move(on_pump)) {}
  ~Stream() override {
    if (on_end_) on_end_();
  }
  void Pump() override {
    on_pump_();
    ++pumps;
  }
  void Refresh() override { ++refreshes; }
  void Close() override {}
  void OnEnd(std::function<void()> call) { on_end_ = std::move(call); }

  std::atomic<int> pumps{0};
  std::atomic<int> refreshes{0};

 private:
  std::function<void()> on_pump_;
  std::function<void()> on_end_;
};

TEST(StreamDriver, AStreamThatEndsWhileItIsPumpedMayWaitForSomebodyWhoWakesAnother) {
  test::FakeFleet fleet;
  StreamDriver driver(fleet);
  const auto other = std::make_shared<Stream>();
  ASSERT_TRUE(driver.Add(other));
  std::promise<void> pumping;
  std::promise<void> go_on;
  auto stream = std::make_shared<Stream>([&] {
    pumping.set_value();
    go_on.get_future().wait();
  });
  std::promise<bool> woke;
  stream->OnEnd([&] {
    auto waking = std::async(std::launch::async, [&] { driver.Wake(other.get()); });
    woke.set_value(waking.wait_for(kPatience) == std::future_status::ready);
  });
  const LiveStream* key = stream.get();
  ASSERT_TRUE(driver.Add(std::move(stream)));
  driver.Wake(key);
  pumping.get_future().wait();
  driver.Remove(key);  // The driver's thread is the last that has it.
  go_on.set_value();
  EXPECT_TRUE(woke.get_future().get());
  EXPECT_TRUE(Eventually([&] { return other->pumps == 1; }));
}

TEST(StreamDriver, StreamsThatAreWokenWithoutEndKeepNoneFromSeeingTheFleet) {
  test::FakeFleet fleet;
  std::vector<std::shared_ptr<Stream>> busy;  // Outlives the driver's thread.
  StreamDriver driver(fleet);
  for (int i = 0; i < 3; ++i) {
    busy.push_back(std::make_shared<Stream>(
        [&driver, &busy, i] { driver.Wake(busy[static_cast<std::size_t>(i)].get()); }));
    ASSERT_TRUE(driver.Add(busy.back()));
  }
  for (const auto& stream : busy) driver.Wake(stream.get());
  for (const auto& stream : busy) {
    EXPECT_TRUE(Eventually([&] { return stream->pumps > 100; }));
  }
  fleet.SetProgress({});
  EXPECT_TRUE(Eventually([&] { return busy.back()->refreshes > 0; }));
  for (const auto& stream : busy) driver.Remove(stream.get());
}

}  // namespace
}  // namespace sluice::controlplane
