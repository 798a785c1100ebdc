#include "dataplane/log/log_ring.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace sluice::dataplane {
namespace {

// The ring never looks into a sink: any address will do.
LogSink* Sink(std::uintptr_t number) { return reinterpret_cast<LogSink*>(number * 64); }

std::vector<std::string> Drain(LogRing& ring) {
  std::vector<std::string> lines;
  ring.Drain([&](LogSink&, std::string_view line) { lines.emplace_back(line); });
  return lines;
}

TEST(LogRing, GivesLinesBackInOrderEachWithItsSink) {
  LogRing ring(1024);
  EXPECT_TRUE(ring.Push(Sink(1), "first"));
  EXPECT_TRUE(ring.Push(Sink(2), ""));
  EXPECT_TRUE(ring.Push(Sink(1), "third"));
  std::vector<std::pair<LogSink*, std::string>> records;
  ring.Drain([&](LogSink& sink, std::string_view line) { records.emplace_back(&sink, line); });
  const std::vector<std::pair<LogSink*, std::string>> expected{
      {Sink(1), "first"}, {Sink(2), ""}, {Sink(1), "third"}};
  EXPECT_EQ(records, expected);
  EXPECT_TRUE(ring.empty());
}

TEST(LogRing, RefusesWhatDoesNotFitAndKeepsWhatItHas) {
  LogRing ring(64);
  EXPECT_FALSE(ring.Push(Sink(1), std::string(49, 'x')));
  EXPECT_TRUE(ring.Push(Sink(1), "0123456789abcdef"));
  EXPECT_TRUE(ring.Push(Sink(1), "0123456789ABCDEF"));
  EXPECT_FALSE(ring.Push(Sink(1), ""));
  EXPECT_EQ(Drain(ring), (std::vector<std::string>{"0123456789abcdef", "0123456789ABCDEF"}));
  EXPECT_TRUE(ring.Push(Sink(1), std::string(48, 'x'))) << "fits once it is empty";
}

TEST(LogRing, ARecordThatWouldWrapStartsOverAtTheBeginning) {
  LogRing ring(128);
  for (std::size_t round = 0; round < 100; ++round) {
    const std::string line(round % 60, static_cast<char>('a' + round % 26));
    ASSERT_TRUE(ring.Push(Sink(1), line)) << round;
    ASSERT_EQ(Drain(ring), std::vector<std::string>{line}) << round;
  }
}

TEST(LogRing, LosesNothingBetweenTwoThreads) {
  constexpr std::size_t kLines = 20'000;
  LogRing ring(4096);
  std::thread producer([&] {
    for (std::size_t i = 0; i < kLines; ++i) {
      const std::string line = std::to_string(i) + std::string(i % 100, '.');
      while (!ring.Push(Sink(1), line)) std::this_thread::yield();
    }
  });
  std::size_t next = 0;
  while (next < kLines) {
    ring.Drain([&](LogSink&, std::string_view line) {
      EXPECT_EQ(line, std::to_string(next) + std::string(next % 100, '.'));
      ++next;
    });
    std::this_thread::yield();
  }
  producer.join();
  EXPECT_TRUE(ring.empty());
}

}  // namespace
}  // namespace sluice::dataplane
