#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "common/base/limits.h"
#include "dataplane/log/access_log.h"
#include "tests/support/eventually.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/log/named_pipe.h"

namespace sluice::dataplane::test {
namespace {

using sluice::test::Eventually;
using sluice::test::ReadFile;
using sluice::test::TempDir;

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

bool HasOpen(const std::string& path) {
  std::error_code gone;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    if (std::filesystem::read_symlink(entry.path(), gone) == path) return true;
  }
  return false;
}

class AccessLogWriterTest : public ::testing::Test {
 protected:
  std::shared_ptr<LogDestination> Open(const std::string& to) {
    auto destination = writer_->Open(to);
    EXPECT_TRUE(destination) << destination.error().message;
    return *destination;
  }
  static void ExpectFile(const std::string& path, const std::string& content) {
    EXPECT_TRUE(Eventually([&] { return ReadFile(path) == content; }))
        << path << ": " << ReadFile(path).substr(0, 1000);
  }

  const TempDir dir_;
  std::unique_ptr<AccessLogWriter> writer_ = StartAccessLogWriter();
};

TEST_F(AccessLogWriterTest, WritesWhatItTookWithoutBeingAsked) {
  const auto log = Open(dir_.File("access.log"));
  EXPECT_TRUE(log->Write("one"));
  ExpectFile(dir_.File("access.log"), "one\n");
  EXPECT_TRUE(log->Write("two"));
  ExpectFile(dir_.File("access.log"), "one\ntwo\n");
}

TEST_F(AccessLogWriterTest, WritesABoundedNumberOfFilesAndTakesOthersWhenSomeAreGone) {
  std::vector<std::shared_ptr<LogDestination>> open;
  for (std::size_t i = 0; i < limits::kAccessLogDestinations; ++i) {
    open.push_back(Open(dir_.File(std::to_string(i))));
  }
  const auto one_more = writer_->Open(dir_.File("more"));
  ASSERT_FALSE(one_more);
  EXPECT_EQ(one_more.error().code, ErrorCode::kResourceExhausted);
  EXPECT_TRUE(writer_->Open(dir_.File("7"))) << "it is open already";
  open.pop_back();
  EXPECT_TRUE(writer_->Open(dir_.File("more")));
}

TEST_F(AccessLogWriterTest, KeepsLinesWholeAndEachThreadsOrder) {
  constexpr int kThreads = 4;
  constexpr int kLines = 2'000;
  const auto log = Open(dir_.File("access.log"));
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kLines; ++i) {
        const std::string line = std::to_string(thread) + ' ' + std::to_string(i) + ' ' +
                                 std::string(static_cast<std::size_t>(i % 90), 'x') + '$';
        while (!log->Write(line)) std::this_thread::yield();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  writer_.reset();
  std::array<int, kThreads> next{};
  for (const std::string& line : Lines(ReadFile(dir_.File("access.log")))) {
    std::istringstream words(line);
    std::size_t thread = kThreads;
    int number = -1;
    std::string rest;
    words >> thread >> number >> rest;
    ASSERT_LT(thread, next.size()) << line;
    ASSERT_EQ(number, next[thread]++) << line;
    ASSERT_EQ(rest, std::string(static_cast<std::size_t>(number % 90), 'x') + '$') << line;
  }
  for (const int count : next) EXPECT_EQ(count, kLines);
}

TEST_F(AccessLogWriterTest, WritesTheRecordsOfThreadsThatHaveEnded) {
  const auto log = Open(dir_.File("access.log"));
  std::string expected;
  for (int i = 0; i < 20; ++i) {
    std::thread([&] { EXPECT_TRUE(log->Write("line")); }).join();
    expected += "line\n";
  }
  ExpectFile(dir_.File("access.log"), expected);
}

TEST_F(AccessLogWriterTest, FlushesWhenItIsDestroyed) {
  const auto log = Open(dir_.File("access.log"));
  for (int i = 0; i < 1'000; ++i) EXPECT_TRUE(log->Write(std::string(100, 'x')));
  writer_.reset();
  EXPECT_EQ(ReadFile(dir_.File("access.log")).size(), 101'000U);
}

TEST_F(AccessLogWriterTest, ADestinationThatOutlivesItTakesNothing) {
  const auto log = Open(dir_.File("access.log"));
  writer_.reset();
  EXPECT_FALSE(log->Write("too late"));
  EXPECT_EQ(ReadFile(dir_.File("access.log")), "");
}

TEST_F(AccessLogWriterTest, TheSamePathIsTheSameDestinationAndOneFile) {
  const auto log = Open(dir_.File("access.log"));
  EXPECT_EQ(Open(dir_.File("access.log")), log);
  EXPECT_NE(Open(dir_.File("other.log")), log);
  EXPECT_EQ(Open("stdout"), Open("stdout"));
}

TEST_F(AccessLogWriterTest, APathThatCannotBeOpenedIsAnErrorAndMayBeTriedAgain) {
  const std::string path = dir_.File("logs/access.log");
  EXPECT_FALSE(writer_->Open(path));
  std::filesystem::create_directory(dir_.File("logs"));
  EXPECT_TRUE(Open(path)->Write("line"));
  ExpectFile(path, "line\n");
}

TEST_F(AccessLogWriterTest, AFileThatNobodyNamesAnyMoreGetsItsLastLinesAndIsClosed) {
  const std::string path = dir_.File("access.log");
  auto log = Open(path);
  EXPECT_TRUE(HasOpen(path));
  EXPECT_TRUE(log->Write("last"));
  log.reset();
  EXPECT_TRUE(Eventually([&] { return !HasOpen(path); }));
  EXPECT_EQ(ReadFile(path), "last\n");
  EXPECT_TRUE(Open(path)->Write("again"));
  ExpectFile(path, "last\nagain\n");
}

TEST_F(AccessLogWriterTest, AfterARenameAndReopenLinesGoToANewFile) {
  const std::string path = dir_.File("access.log");
  const std::string old_path = dir_.File("access.log.1");
  const auto log = Open(path);
  EXPECT_TRUE(log->Write("one"));
  ExpectFile(path, "one\n");
  ASSERT_EQ(std::rename(path.c_str(), old_path.c_str()), 0);
  EXPECT_TRUE(log->Write("two"));
  ExpectFile(old_path, "one\ntwo\n");
  writer_->Reopen();
  EXPECT_TRUE(Eventually([&] { return std::filesystem::exists(path); }));
  EXPECT_TRUE(log->Write("three"));
  ExpectFile(path, "three\n");
  EXPECT_EQ(ReadFile(old_path), "one\ntwo\n");
  EXPECT_FALSE(HasOpen(old_path));
}

TEST_F(AccessLogWriterTest, NothingIsLostWhileTheFileIsRotatedUnderLoad) {
  constexpr int kLines = 5'000;
  const std::string path = dir_.File("access.log");
  const auto log = Open(path);
  std::thread producer([&] {
    for (int i = 0; i < kLines; ++i) {
      while (!log->Write(std::to_string(i))) std::this_thread::yield();
    }
  });
  for (int rotation = 0; rotation < 5; ++rotation) {
    std::rename(path.c_str(), dir_.File(std::to_string(rotation)).c_str());
    writer_->Reopen();
    EXPECT_TRUE(Eventually([&] { return std::filesystem::exists(path); }));
  }
  producer.join();
  writer_.reset();
  std::string all;
  for (int rotation = 0; rotation < 5; ++rotation) {
    all += ReadFile(dir_.File(std::to_string(rotation)));
  }
  all += ReadFile(path);
  std::string expected;
  for (int i = 0; i < kLines; ++i) expected += std::to_string(i) + '\n';
  EXPECT_EQ(all, expected);
}

TEST_F(AccessLogWriterTest, AFullQueueRefusesRecordsAtOnceAndTakesThemAgainLater) {
  const auto log = Open("/dev/null");
  const std::string line(limits::kAccessLogRecordBytes, 'x');
  bool refused = false;
  for (int i = 0; i < 1'000'000 && !refused; ++i) refused = !log->Write(line);
  EXPECT_TRUE(refused);
  EXPECT_TRUE(Eventually([&] { return log->Write(line); }));
}

TEST_F(AccessLogWriterTest, ARecordOverTheBoundIsRefused) {
  const auto log = Open(dir_.File("access.log"));
  EXPECT_FALSE(log->Write(std::string(limits::kAccessLogRecordBytes + 1, 'x')));
  EXPECT_TRUE(log->Write(std::string(limits::kAccessLogRecordBytes, 'x')));
  writer_.reset();
  EXPECT_EQ(ReadFile(dir_.File("access.log")).size(), limits::kAccessLogRecordBytes + 1);
}

TEST_F(AccessLogWriterTest, AFullDiskHoldsUpNothingAndItsRecordsAreCountedAsLost) {
  auto full = Open("/dev/full");
  const auto log = Open(dir_.File("access.log"));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(full->Write("lost"));
  EXPECT_TRUE(log->Write("kept"));
  ExpectFile(dir_.File("access.log"), "kept\n");
  full.reset();
  EXPECT_TRUE(Eventually([&] { return writer_->lost() == 10; })) << writer_->lost();
}

TEST_F(AccessLogWriterTest, AReaderThatStallsHoldsUpNothingAndEveryRecordIsReadOrCounted) {
  NamedPipe pipe(dir_.File("pipe"));
  auto stalled = Open(pipe.path());
  const auto log = Open(dir_.File("access.log"));
  std::uint64_t taken = 0;
  std::uint64_t next = 0;
  // How much the writer takes over before it gives up on the reader depends on the scheduler.
  EXPECT_TRUE(Eventually([&] {
    for (int i = 0; i < 1000; ++i) {
      std::string line = std::to_string(next++) + ' ';
      line.resize(1000, '.');
      if (stalled->Write(line)) ++taken;
    }
    return writer_->lost() > 0;
  }));
  // The ring is shared, and may still be full of the burst.
  EXPECT_TRUE(Eventually([&] { return log->Write("kept"); }));
  ExpectFile(dir_.File("access.log"), "kept\n");

  std::uint64_t read = 0;
  long last = -1;
  std::string text;
  EXPECT_TRUE(Eventually([&] {
    text += pipe.ReadSome();
    return static_cast<std::uint64_t>(text.size() / 1001) + writer_->lost() == taken;
  }));
  for (const std::string& line : Lines(text)) {
    ASSERT_EQ(line.size(), 1000U);
    const long number = std::stol(line);
    ASSERT_GT(number, last);
    last = number;
    ++read;
  }
  EXPECT_EQ(read + writer_->lost(), taken);
}

TEST_F(AccessLogWriterTest, AReaderThatGoesAwayKillsNobody) {
  NamedPipe pipe(dir_.File("pipe"));
  auto piped = Open(pipe.path());
  const auto log = Open(dir_.File("access.log"));
  pipe.CloseReader();
  EXPECT_TRUE(piped->Write("nobody reads this"));
  EXPECT_TRUE(log->Write("kept"));
  ExpectFile(dir_.File("access.log"), "kept\n");
  piped.reset();
  EXPECT_TRUE(Eventually([&] { return writer_->lost() == 1; }));
}

TEST_F(AccessLogWriterTest, DestroyingItDoesNotWaitLongForAStalledReader) {
  NamedPipe pipe(dir_.File("pipe"));
  const auto stalled = Open(pipe.path());
  // More than the pipe takes, whatever the ring takes.
  std::size_t taken = 0;
  for (int i = 0; i < 1'000; ++i) taken += stalled->Write(std::string(1000, '.')) ? 1 : 0;
  EXPECT_GT(taken, 100U);
  const auto start = std::chrono::steady_clock::now();
  writer_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, limits::kAccessLogFlush * 5);
}

}  // namespace
}  // namespace sluice::dataplane::test
