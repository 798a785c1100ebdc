#include "dataplane/loop/event_loop.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sluice::dataplane {
namespace {

using namespace std::chrono_literals;

std::unique_ptr<EventLoop> OpenLoop() { return std::move(EventLoop::Open().value()); }

struct SocketPair {
  SocketPair() {
    std::array<int, 2> fds{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()), 0);
    near.reset(fds[0]);
    far.reset(fds[1]);
  }
  UniqueFd near;
  UniqueFd far;
};

class CallingHandler final : public IoHandler {
 public:
  explicit CallingHandler(std::function<void(std::uint32_t)> call) : call_(std::move(call)) {}
  void OnEvents(std::uint32_t events) override { call_(events); }

 private:
  std::function<void(std::uint32_t)> call_;
};

class CallingTimer final : public Timer {
 public:
  explicit CallingTimer(std::function<void()> call) : call_(std::move(call)) {}

 private:
  void OnTimer() override { call_(); }
  std::function<void()> call_;
};

TEST(EventLoop, RunsWhatOtherThreadsPostInOrder) {
  auto loop = OpenLoop();
  std::vector<int> seen;
  std::thread runner([&] { loop->Run(); });
  for (int i = 0; i < 500; ++i) loop->Post([&seen, i] { seen.push_back(i); });
  loop->Stop();
  runner.join();
  ASSERT_EQ(seen.size(), 500U);
  for (int i = 0; i < 500; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], i);
}

TEST(EventLoop, ReportsOneEdgeForDataThatIsLeftUnread) {
  auto loop = OpenLoop();
  SocketPair pair;
  int readable = 0;
  CallingHandler handler([&](std::uint32_t events) {
    if ((events & EPOLLIN) != 0) ++readable;
  });
  ASSERT_EQ(loop->Add(pair.near.get(), kAllEdges, handler), 0);
  ASSERT_EQ(::write(pair.far.get(), "x", 1), 1);
  CallingTimer stop([&] { loop->Stop(); });
  loop->timers().Arm(stop, loop->now() + 20ms);
  loop->Run();
  EXPECT_EQ(readable, 1);
}

TEST(EventLoop, CallsWhoeverAskedAgainInTheNextRoundWithoutWaiting) {
  auto loop = OpenLoop();
  int calls = 0;
  CallingHandler handler([&](std::uint32_t events) {
    EXPECT_EQ(events, 0U);
    if (++calls == 100) {
      loop->Stop();
    } else {
      loop->Again(handler);
      loop->Again(handler);  // Asking twice is asking once.
    }
  });
  loop->Again(handler);
  loop->Run();
  EXPECT_EQ(calls, 100);
}

TEST(EventLoop, DoesNotCallWhoCancelledAskingAgain) {
  auto loop = OpenLoop();
  CallingHandler never([](std::uint32_t) { FAIL(); });
  CallingHandler canceller([&](std::uint32_t) {
    loop->CancelAgain(never);
    loop->Stop();
  });
  loop->Again(canceller);
  loop->Again(never);
  loop->Run();
}

class Tombstone final : public Retirable {
 public:
  explicit Tombstone(std::function<void()> call) : call_(std::move(call)) {}
  ~Tombstone() override { call_(); }

 private:
  std::function<void()> call_;
};

TEST(EventLoop, DestroysWhatIsRetiredAfterTheRoundsOtherEvents) {
  auto loop = OpenLoop();
  SocketPair one;
  SocketPair two;
  std::string order;
  int events_left = 2;
  auto on_events = [&](std::uint32_t events) {
    if ((events & EPOLLIN) == 0) return;
    order += "event ";
    if (--events_left == 1) {
      loop->Retire(std::make_unique<Tombstone>([&] {
        order += "destroyed ";
        loop->Retire(std::make_unique<Tombstone>([&] { order += "destroyed too"; }));
        loop->Stop();
      }));
    }
  };
  CallingHandler first(on_events);
  CallingHandler second(on_events);
  ASSERT_EQ(::write(one.far.get(), "x", 1), 1);
  ASSERT_EQ(::write(two.far.get(), "x", 1), 1);
  ASSERT_EQ(loop->Add(one.near.get(), kAllEdges, first), 0);
  ASSERT_EQ(loop->Add(two.near.get(), kAllEdges, second), 0);
  loop->Run();
  EXPECT_EQ(order, "event event destroyed destroyed too");
}

class CountingHook final : public RoundEndHook {
 public:
  explicit CountingHook(std::function<void()> call) : call_(std::move(call)) {}
  void OnRoundEnd() override { call_(); }

 private:
  std::function<void()> call_;
};

TEST(EventLoop, RunsTheRoundEndHooksAfterTheEventsOfTheRound) {
  auto loop = OpenLoop();
  std::string order;
  CountingHook hook([&] { order += "end "; });
  loop->AddRoundEndHook(hook);
  CallingHandler handler([&](std::uint32_t) {
    order += "event ";
    loop->Stop();
  });
  loop->Again(handler);
  loop->Run();
  EXPECT_EQ(order, "event end end ");
  loop->RemoveRoundEndHook(hook);
}

TEST(EventLoop, HandsASocketToAnotherHandlerAndReportsItsState) {
  auto loop = OpenLoop();
  SocketPair pair;
  bool second_called = false;
  CallingHandler second([&](std::uint32_t events) {
    EXPECT_NE(events & EPOLLIN, 0U);
    second_called = true;
    loop->Stop();
  });
  CallingHandler first(
      [&](std::uint32_t) { ASSERT_EQ(loop->Modify(pair.near.get(), kAllEdges, second), 0); });
  ASSERT_EQ(::write(pair.far.get(), "x", 1), 1);
  ASSERT_EQ(loop->Add(pair.near.get(), kAllEdges, first), 0);
  loop->Run();
  EXPECT_TRUE(second_called);
}

}  // namespace
}  // namespace sluice::dataplane
