#include "dataplane/tables/key_slot_table.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <barrier>
#include <string>
#include <thread>
#include <vector>

#include "common/base/limits.h"

namespace sluice::dataplane {
namespace {

using Outcome = KeySlotTable::Outcome;

// Runs `work(thread)` in so many threads at once.
template <typename Work>
void InThreads(int count, Work work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
}

TEST(KeySlotTable, HoldsExactlyItsNumberOfValuesAndHasRoomAgainWhenOneGoes) {
  KeySlotTable table;
  std::vector<std::uint32_t> slots;
  for (std::size_t i = 0; i < limits::kLimitKeys; ++i) {
    const auto taking = table.Take(std::to_string(i), 1);
    ASSERT_EQ(taking.outcome, Outcome::kTaken) << i;
    slots.push_back(taking.slot);
  }
  EXPECT_EQ(table.keys(), limits::kLimitKeys);
  EXPECT_EQ(table.Take("one more", 1).outcome, Outcome::kTableFull);
  EXPECT_EQ(table.Take("17", 1).outcome, Outcome::kOverLimit);
  table.Give(slots[17]);
  EXPECT_EQ(table.Take("one more", 1).outcome, Outcome::kTaken);
}

TEST(KeySlotTable, CountsUpToTheHighestLimit) {
  KeySlotTable table;
  std::uint32_t slot = 0;
  for (int i = 0; i < 65'535; ++i) {
    const auto taking = table.Take("key", 65'535);
    ASSERT_EQ(taking.outcome, Outcome::kTaken);
    slot = taking.slot;
  }
  EXPECT_EQ(table.Take("key", 65'535).outcome, Outcome::kOverLimit);
  for (int i = 0; i < 65'535; ++i) table.Give(slot);
  EXPECT_EQ(table.keys(), 0U);
}

TEST(KeySlotTable, AFullValueIsAtItsLimitAndNotATableThatIsFull) {
  KeySlotTable table;
  EXPECT_EQ(table.Take("key", 1).outcome, Outcome::kTaken);
  EXPECT_EQ(table.Take("key", 1).outcome, Outcome::kOverLimit);
  EXPECT_EQ(table.keys(), 1U);
}

TEST(KeySlotTable, OfWorkersThatTakeTheOnlySlotOfANewValueExactlyOneGetsIt) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 500;
  KeySlotTable table;
  std::vector<std::atomic<int>> winners(kRounds);
  std::barrier start(kThreads);
  std::barrier taken(kThreads);
  InThreads(kThreads, [&](int) {
    for (int round = 0; round < kRounds; ++round) {
      start.arrive_and_wait();
      const auto taking = table.Take(std::to_string(round), 1);
      EXPECT_NE(taking.outcome, Outcome::kTableFull);
      if (taking.outcome == Outcome::kTaken) ++winners[static_cast<std::size_t>(round)];
      taken.arrive_and_wait();
      if (taking.outcome == Outcome::kTaken) table.Give(taking.slot);
    }
  });
  for (const auto& count : winners) EXPECT_EQ(count.load(), 1);
  EXPECT_EQ(table.keys(), 0U);
}

TEST(KeySlotTable, WorkersThatTakeANewValueAtOnceShareOneCount) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 500;
  KeySlotTable table;
  std::barrier start(kThreads);
  std::barrier taken(kThreads);
  InThreads(kThreads, [&](int thread) {
    for (int round = 0; round < kRounds; ++round) {
      start.arrive_and_wait();
      const auto taking = table.Take(std::to_string(round), kThreads);
      EXPECT_EQ(taking.outcome, Outcome::kTaken);
      taken.arrive_and_wait();
      if (thread == 0) {
        EXPECT_EQ(table.keys(), 1U);
        EXPECT_EQ(table.Take(std::to_string(round), kThreads).outcome, Outcome::kOverLimit);
      }
      taken.arrive_and_wait();
      if (taking.outcome == Outcome::kTaken) table.Give(taking.slot);
    }
  });
  EXPECT_EQ(table.keys(), 0U);
}

TEST(KeySlotTable, NeverLetsMoreInThanTheLimitWhileValuesComeAndGo) {
  constexpr std::uint32_t kLimit = 2;
  constexpr std::size_t kValues = 3;
  KeySlotTable table;
  std::array<std::atomic<std::uint32_t>, kValues> open{};
  std::atomic<bool> too_many{false};
  InThreads(4, [&](int thread) {
    for (std::size_t i = 0; i < 5'000; ++i) {
      const std::size_t value = (i * 7 + static_cast<std::size_t>(thread)) % kValues;
      const auto taking = table.Take(std::string(value + 1, 'v'), kLimit);
      if (taking.outcome != Outcome::kTaken) continue;
      if (++open[value] > kLimit) too_many.store(true);
      --open[value];
      table.Give(taking.slot);
    }
  });
  EXPECT_FALSE(too_many.load());
  EXPECT_EQ(table.keys(), 0U);
}

// Which of its two buckets a new value goes to depends on how full they are. While another value
// leaves the first of them, one thread may choose the first and one the second.
TEST(KeySlotTable, AValueThatIsTakenInBothItsBucketsAtOnceIsLetInOnce) {
  constexpr std::uint32_t kBucketSlots = 16;
  constexpr int kRounds = 20'000;
  KeySlotTable table;
  const auto bucket_of = [&](const std::string& value) {
    const auto taking = table.Take(value, 1);
    EXPECT_EQ(taking.outcome, Outcome::kTaken);
    table.Give(taking.slot);
    return taking.slot / kBucketSlots;
  };
  const std::string value = "value";
  int number = 0;
  while (bucket_of(std::to_string(number)) != bucket_of(value)) ++number;
  const std::string neighbour = std::to_string(number);

  // Spinning, as what is to happen at once takes less time than waking a thread.
  std::atomic<int> arrived{0};
  const auto meet = [&](int times) {
    ++arrived;
    for (int spins = 0; arrived.load() < 2 * times; ++spins) {
      if (spins > 1000) std::this_thread::yield();
    }
  };
  std::atomic<int> let_in{0};
  int wrong_rounds = 0;
  InThreads(2, [&](int thread) {
    for (int round = 0; round < kRounds; ++round) {
      KeySlotTable::Taking neighbours{};
      if (thread == 0) neighbours = table.Take(neighbour, 1);
      meet(3 * round + 1);
      if (thread == 0) table.Give(neighbours.slot);
      // One of the two is ahead by a little, now this one, now that one.
      const int delay = thread == 0 ? round % 61 : round % 67;
      for (int i = 0; i < delay; ++i) arrived.load();
      const auto taking = table.Take(value, 1);
      if (taking.outcome == Outcome::kTaken) ++let_in;
      meet(3 * round + 2);
      if (thread == 0 && let_in.exchange(0) != 1) ++wrong_rounds;
      if (taking.outcome == Outcome::kTaken) table.Give(taking.slot);
      meet(3 * round + 3);
    }
  });
  EXPECT_EQ(wrong_rounds, 0);
  EXPECT_EQ(table.keys(), 0U);
}

}  // namespace
}  // namespace sluice::dataplane
