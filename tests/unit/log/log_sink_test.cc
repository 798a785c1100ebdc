#include "dataplane/log/log_sink.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "common/base/limits.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/log/named_pipe.h"

namespace sluice::dataplane::test {
namespace {

using sluice::test::ReadFile;
using sluice::test::TempDir;

constexpr MonotonicTime kNow{std::chrono::seconds(1000)};

Result<std::unique_ptr<LogSink>> TryToOpen(const std::string& to, LogPaths paths = {}) {
  return LogSink::Open(to, std::make_shared<const LogPaths>(std::move(paths)));
}

std::unique_ptr<LogSink> Open(const std::string& to, LogPaths paths = {}) {
  auto sink = TryToOpen(to, std::move(paths));
  EXPECT_TRUE(sink) << sink.error().message;
  return *std::move(sink);
}

TEST(LogSink, AppendsLinesToAFile) {
  const TempDir dir;
  const std::string path = dir.Write("access.log", "before\n");
  const auto sink = Open(path);
  EXPECT_TRUE(sink->Append("one"));
  EXPECT_TRUE(sink->Append(""));
  EXPECT_EQ(sink->PendingRecords(), 2U);
  sink->Write(kNow);
  EXPECT_FALSE(sink->HasPending());
  EXPECT_EQ(ReadFile(path), "before\none\n\n");
}

TEST(LogSink, RefusesWhatIsNoDestinationAndSaysWhy) {
  const TempDir dir;
  const auto relative = TryToOpen("access.log");
  ASSERT_FALSE(relative);
  EXPECT_EQ(relative.error().message,
            "must be stdout, stderr or an absolute path, got 'access.log'");
  const auto folder = TryToOpen(dir.path());
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().message,
            "access log '" + dir.path() + "' cannot be opened: Is a directory");
  EXPECT_FALSE(TryToOpen(dir.File("no/such/folder.log")));
}

TEST(LogSink, WritesToFilesAndNamedPipesOfAnAllowedFolderAndToNothingElse) {
  const TempDir dir;
  const TempDir elsewhere;
  const LogPaths paths{AllowedFolders({dir.path()}), elsewhere.File("own.log")};
  ASSERT_EQ(::symlink(elsewhere.File("victim").c_str(), dir.File("link").c_str()), 0);
  ASSERT_EQ(::symlink(elsewhere.path().c_str(), dir.File("away").c_str()), 0);
  const NamedPipe pipe(dir.File("pipe"));

  EXPECT_TRUE(TryToOpen(dir.File("a.log"), paths));
  EXPECT_TRUE(TryToOpen(dir.File("pipe"), paths));
  EXPECT_TRUE(TryToOpen(elsewhere.File("own.log"), paths));
  EXPECT_TRUE(TryToOpen("stdout", paths));

  const auto outside = TryToOpen(elsewhere.File("victim"), paths);
  ASSERT_FALSE(outside);
  EXPECT_EQ(outside.error().code, ErrorCode::kPermissionDenied);
  EXPECT_NE(outside.error().message.find("files below " + dir.path() + " (--log-dir)"),
            std::string::npos)
      << outside.error().message;
  for (const char* name : {"link", "away/victim"}) {
    const auto linked = TryToOpen(dir.File(name), paths);
    ASSERT_FALSE(linked) << name;
    EXPECT_NE(linked.error().message.find("links are not followed"), std::string::npos)
        << linked.error().message;
  }
  EXPECT_NE(::access(elsewhere.File("victim").c_str(), F_OK), 0) << "it has been made";

  const auto device = TryToOpen("/dev/null", {AllowedFolders({"/dev"}), ""});
  ASSERT_FALSE(device);
  EXPECT_EQ(device.error().message,
            "access log '/dev/null' cannot be opened: it is neither a regular file nor a named "
            "pipe");
  EXPECT_TRUE(TryToOpen("/dev/null"));  // Of an operator who may write anywhere.
}

TEST(LogSink, AFileThatBecameALinkIsNotFollowedWhenItIsReopened) {
  const TempDir dir;
  const TempDir elsewhere;
  const std::string victim = elsewhere.Write("victim", "untouched\n");
  const auto sink = Open(dir.File("a.log"), {AllowedFolders({dir.path()}), ""});
  ASSERT_EQ(std::rename(dir.File("a.log").c_str(), dir.File("a.log.1").c_str()), 0);
  ASSERT_EQ(::symlink(victim.c_str(), dir.File("a.log").c_str()), 0);
  sink->Reopen();
  sink->Append("one");
  sink->Write(kNow);
  EXPECT_EQ(ReadFile(victim), "untouched\n");
  EXPECT_EQ(ReadFile(dir.File("a.log.1")), "one\n");
}

TEST(LogSink, LeavesStandardOutputOpen) {
  EXPECT_TRUE(Open("stdout"));
  EXPECT_TRUE(Open("stderr"));
  EXPECT_NE(::fcntl(STDOUT_FILENO, F_GETFD), -1);
  EXPECT_NE(::fcntl(STDERR_FILENO, F_GETFD), -1);
}

TEST(LogSink, HoldsABoundedAmountForADestinationThatTakesNothing) {
  const auto sink = Open("/dev/full");
  const std::string line(64 * 1024 - 1, 'x');
  for (std::size_t bytes = 0; bytes < limits::kAccessLogPendingBytes; bytes += line.size() + 1) {
    ASSERT_TRUE(sink->Append(line));
  }
  EXPECT_FALSE(sink->Append(""));
  sink->Write(kNow);
  EXPECT_FALSE(sink->Append(""));
  EXPECT_EQ(sink->PendingRecords(), limits::kAccessLogPendingBytes / (line.size() + 1));
}

TEST(LogSink, PausesForASecondAfterAnErrorAndThenGoesOnWhereItWas) {
  // The writer's thread blocks it; here it would reach this one.
  ::signal(SIGPIPE, SIG_IGN);
  const TempDir dir;
  NamedPipe pipe(dir.File("pipe"));
  const auto sink = Open(pipe.path());
  pipe.CloseReader();
  EXPECT_TRUE(sink->Append("line"));
  sink->Write(kNow);
  const UniqueFd reader(::open(pipe.path().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  sink->Write(kNow + std::chrono::milliseconds(999));
  EXPECT_TRUE(sink->HasPending());
  sink->Write(kNow + std::chrono::seconds(1));
  EXPECT_FALSE(sink->HasPending());
  char bytes[16];
  EXPECT_EQ(::read(reader.get(), bytes, sizeof(bytes)), 5);
}

TEST(LogSink, WhatADestinationDidNotTakeGoesToTheOneThatIsOpenedInItsPlace) {
  const TempDir dir;
  const std::string path = dir.File("access.log");
  ASSERT_EQ(::symlink("/dev/full", path.c_str()), 0);
  const auto sink = Open(path);
  EXPECT_TRUE(sink->Append("line"));
  sink->Write(kNow);
  EXPECT_TRUE(sink->HasPending());
  ASSERT_EQ(::unlink(path.c_str()), 0);
  sink->Reopen();
  sink->Write(kNow);
  EXPECT_EQ(ReadFile(path), "line\n");
}

TEST(LogSink, ARecordWrittenInPartStandsWholeInTheNextFile) {
  const TempDir dir;
  NamedPipe pipe(dir.File("access.log"));
  const auto sink = Open(pipe.path());
  const std::string line(4999, 'x');
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(sink->Append(line));
  sink->Write(kNow);
  ASSERT_TRUE(sink->HasPending());
  ASSERT_EQ(std::rename(pipe.path().c_str(), dir.File("moved").c_str()), 0);
  sink->Reopen();
  sink->Write(kNow);
  const std::string after = ReadFile(pipe.path());
  ASSERT_FALSE(after.empty());
  EXPECT_EQ(after.size() % 5000, 0U);
  EXPECT_EQ(after.substr(0, 5000), line + "\n");
}

TEST(LogSink, ReopeningTheSamePipeRepeatsNothing) {
  const TempDir dir;
  NamedPipe pipe(dir.File("pipe"));
  auto sink = Open(pipe.path());
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    const std::string line = std::to_string(i) + std::string(4990, '.');
    ASSERT_TRUE(sink->Append(line));
    expected += line + "\n";
  }
  std::string read;
  while (sink->HasPending()) {
    sink->Write(kNow);
    sink->Reopen();
    const std::string some = pipe.ReadSome();
    ASSERT_FALSE(some.empty());
    read += some;
  }
  sink.reset();
  read += pipe.ReadAll();
  EXPECT_EQ(read, expected);
}

TEST(LogSink, KeepsItsFileWhenItCannotBeOpenedAgain) {
  const TempDir dir;
  ASSERT_EQ(::mkdir(dir.File("logs").c_str(), 0700), 0);
  const auto sink = Open(dir.File("logs/access.log"));
  ASSERT_EQ(std::rename(dir.File("logs").c_str(), dir.File("moved").c_str()), 0);
  sink->Reopen();
  EXPECT_TRUE(sink->Append("line"));
  sink->Write(kNow);
  EXPECT_EQ(ReadFile(dir.File("moved/access.log")), "line\n");
}

// Records come while the destination takes a little at a time: nothing is lost, torn or repeated.
TEST(LogSink, KeepsOrderForASlowReader) {
  const TempDir dir;
  NamedPipe pipe(dir.File("pipe"));
  auto sink = Open(pipe.path());
  std::string expected;
  std::string read;
  for (int i = 0; i < 5'000; ++i) {
    const std::string line =
        std::to_string(i) + std::string(static_cast<std::size_t>(i % 300), 'x');
    ASSERT_TRUE(sink->Append(line));
    expected += line + "\n";
    if (i % 10 == 0) sink->Write(kNow);
    if (i % 500 == 0) read += pipe.ReadSome();
  }
  while (sink->HasPending()) {
    read += pipe.ReadSome();
    sink->Write(kNow);
  }
  sink.reset();
  read += pipe.ReadAll();
  EXPECT_EQ(read, expected);
}

}  // namespace
}  // namespace sluice::dataplane::test
