#include "dataplane/phases/connection_limit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "tests/support/session_from.h"

namespace sluice::dataplane::test {
namespace {

TEST(ConnectionLimit, AdmitsUpToTheLimitRefusesTheNextAndFreesTheSlotAtTheEnd) {
  const auto limit = MakeConnectionLimit(2, std::make_shared<SlotCounter>());
  SessionState first = SessionFrom("192.0.2.1");
  SessionState second = SessionFrom("192.0.2.2");
  SessionState third = SessionFrom("192.0.2.3");
  EXPECT_TRUE(Passes(*limit, first));
  EXPECT_TRUE(Passes(*limit, second));
  EXPECT_EQ(limit->Run(third, {}).reason(), CloseReason::kConnectionLimit);
  EXPECT_TRUE(third.held.empty());
  first.held.clear();
  EXPECT_TRUE(Passes(*limit, third));
}

TEST(ConnectionLimit, SaysInLimitStatusWhatItDecided) {
  const auto limit = MakeConnectionLimit(1, std::make_shared<SlotCounter>());
  SessionState first = SessionFrom("192.0.2.1");
  SessionState second = SessionFrom("192.0.2.2");
  limit->Run(first, {});
  limit->Run(second, {});
  EXPECT_EQ(first.limit_status, LimitStatus::kPassed);
  EXPECT_EQ(second.limit_status, LimitStatus::kRejected);
}

TEST(ConnectionLimit, WithoutALimitEverySessionPassesUncommented) {
  const auto count = MakeConnectionLimit(std::nullopt, std::make_shared<SlotCounter>());
  SessionState session = SessionFrom("192.0.2.1");
  EXPECT_TRUE(Passes(*count, session));
  EXPECT_EQ(session.limit_status, LimitStatus::kNone);
}

TEST(ConnectionLimit, ALimitThatComesLaterKnowsOfTheSessionsThatAreThere) {
  const auto slots = std::make_shared<SlotCounter>();
  SessionState early = SessionFrom("192.0.2.1");
  SessionState late = SessionFrom("192.0.2.2");
  EXPECT_TRUE(Passes(*MakeConnectionLimit(std::nullopt, slots), early));
  EXPECT_FALSE(Passes(*MakeConnectionLimit(1, slots), late));
}

TEST(ConnectionLimit, ALoweredLimitRefusesUntilEnoughSessionsHaveEnded) {
  const auto slots = std::make_shared<SlotCounter>();
  std::vector<SessionState> sessions(3);
  const auto wide = MakeConnectionLimit(3, slots);
  for (SessionState& session : sessions) EXPECT_TRUE(Passes(*wide, session));
  const auto narrow = MakeConnectionLimit(1, slots);
  SessionState next = SessionFrom("192.0.2.9");
  sessions.resize(1);
  EXPECT_FALSE(Passes(*narrow, next));
  sessions.clear();
  EXPECT_TRUE(Passes(*narrow, next));
}

TEST(ConnectionLimit, ASlotOutlivesTheHandlerThatGaveIt) {
  const auto slots = std::make_shared<SlotCounter>();
  SessionState session = SessionFrom("192.0.2.1");
  { EXPECT_TRUE(Passes(*MakeConnectionLimit(1, slots), session)); }
  EXPECT_EQ(slots->taken(), 1U);
  session.held.clear();
  EXPECT_EQ(slots->taken(), 0U);
}

TEST(ConnectionLimit, IsExactAmongWorkers) {
  constexpr std::uint32_t kLimit = 3;
  const auto slots = std::make_shared<SlotCounter>();
  const auto limit = MakeConnectionLimit(kLimit, slots);
  std::atomic<std::uint32_t> open{0};
  std::atomic<std::uint32_t> most{0};
  std::vector<std::thread> workers;
  for (int worker = 0; worker < 4; ++worker) {
    workers.emplace_back([&] {
      for (int i = 0; i < 5'000; ++i) {
        SessionState session;
        if (!Passes(*limit, session)) continue;
        const std::uint32_t now = ++open;
        std::uint32_t seen = most.load();
        while (seen < now && !most.compare_exchange_weak(seen, now)) {
        }
        --open;
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_LE(most.load(), kLimit);
  EXPECT_EQ(slots->taken(), 0U);
}

}  // namespace
}  // namespace sluice::dataplane::test
