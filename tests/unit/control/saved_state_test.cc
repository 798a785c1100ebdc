// The file in --state-dir, when the disk does not do as it should.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <utility>

#include "dataplane/control/state_file.h"
#include "dataplane/control/state_folder.h"
#include "dataplane/control/state_saver.h"
#include "tests/support/eventually.h"
#include "tests/support/temp_dir.h"

namespace sluice::dataplane {
namespace {

namespace fs = std::filesystem;
using ::sluice::test::Eventually;
using ::sluice::test::ReadFile;
using ::sluice::test::TempDir;
using ::testing::HasSubstr;

SavedSnapshot SnapshotOf(std::int64_t generation) {
  SavedSnapshot snapshot;
  snapshot.accepted.generation = generation;
  return snapshot;
}

// No file of this process may grow larger, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

// -1: there is none.
std::int64_t SavedGeneration(const std::string& path) {
  const auto saved = ReadStateFile(path);
  return saved && saved->has_value() ? (**saved).accepted.generation : -1;
}

TEST(SavedState, AFullDiskLeavesTheEarlierFileAndNoRemains) {
  const TempDir dir;
  const std::string path = StateFilePath(dir.path());
  ASSERT_TRUE(WriteStateFile(path, SnapshotOf(1)));
  {
    const FileSizeLimit full(16);
    const Result<void> written = WriteStateFile(path, SnapshotOf(2));
    ASSERT_FALSE(written);
    EXPECT_THAT(written.error().message, HasSubstr("File too large"));
  }
  EXPECT_EQ(SavedGeneration(path), 1);
  EXPECT_FALSE(fs::exists(fs::symlink_status(path + ".new")));
  EXPECT_TRUE(WriteStateFile(path, SnapshotOf(3)));
  EXPECT_EQ(SavedGeneration(path), 3);
}

TEST(SavedState, OnlyAPlainFileIsReadAndWhateverStandsThereIsReplaced) {
  const TempDir dir;
  const std::string path = StateFilePath(dir.path());
  const std::string precious = dir.Write("precious", "not ours");
  for (const std::string& name : {path, path + ".new"}) {
    fs::create_symlink(precious, name);
    if (name == path) {
      EXPECT_THAT(ReadStateFile(path).error().message, HasSubstr("a link"));
    }
    EXPECT_TRUE(WriteStateFile(path, SnapshotOf(1)));
    EXPECT_EQ(SavedGeneration(path), 1);
    EXPECT_EQ(ReadFile(precious), "not ours");
    EXPECT_FALSE(fs::is_symlink(path));
    fs::remove(path);
    ASSERT_EQ(::mkfifo(name.c_str(), 0600), 0);
    if (name == path) {
      EXPECT_THAT(ReadStateFile(path).error().message, HasSubstr("not a plain file"));
    }
    EXPECT_TRUE(WriteStateFile(path, SnapshotOf(2)));
    EXPECT_EQ(SavedGeneration(path), 2);
    fs::remove(path);
  }
  fs::create_directory(path);
  EXPECT_THAT(ReadStateFile(path).error().message, HasSubstr("not a plain file"));
  EXPECT_FALSE(WriteStateFile(path, SnapshotOf(3)));
}

TEST(StateFolder, IsOfOneDataPlaneAtATime) {
  const TempDir dir;
  StateFolder one(dir.path(), "node-1");
  StateFolder same(dir.path(), "node-1");
  StateFolder other(dir.path(), "node-2");
  EXPECT_TRUE(one.Claim());
  EXPECT_TRUE(one.Claim()) << "it has it";
  const Result<void> refused = other.Claim();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("'node-1' with process id"));
  EXPECT_TRUE(other.is_of_another_node());
  EXPECT_FALSE(same.Claim());
  EXPECT_FALSE(same.is_of_another_node()) << "a restart that overlaps";
  one.Release();
  EXPECT_TRUE(other.Claim());
  EXPECT_FALSE(other.is_of_another_node());
}

TEST(StateFolder, NothingButAPlainFileIsItsLock) {
  const TempDir dir;
  const std::string precious = dir.Write("precious", "not ours");
  fs::create_symlink(precious, dir.File("lock"));
  EXPECT_FALSE(StateFolder(dir.path(), "node-1").Claim());
  fs::remove(dir.File("lock"));
  ASSERT_EQ(::mkfifo(dir.File("lock").c_str(), 0600), 0);
  EXPECT_FALSE(StateFolder(dir.path(), "node-1").Claim());
  EXPECT_EQ(ReadFile(precious), "not ours");
}

TEST(SavedState, AFileThatWasCutOffAnywhereIsDamagedAndNotTaken) {
  const TempDir dir;
  const std::string path = StateFilePath(dir.path());
  ASSERT_TRUE(WriteStateFile(path, SnapshotOf(1)));
  const std::string whole = ReadFile(path);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    fs::resize_file(path, size);
    const auto saved = ReadStateFile(path);
    ASSERT_FALSE(saved) << size;
    EXPECT_EQ(saved.error().code, ErrorCode::kDataLoss) << size;
    dir.Write("last-good", whole);
  }
  EXPECT_EQ(SavedGeneration(path), 1);
}

TEST(StateSaver, WhatCouldNotBeWrittenIsWrittenOnceItCanBe) {
  const TempDir dir;
  const std::string path = StateFilePath(dir.path());
  fs::create_directory(path);
  StateSaver saver(StateFolder(dir.path(), "node-1"), std::chrono::milliseconds(1));
  saver.Save(SnapshotOf(8));
  ASSERT_TRUE(Eventually([&] { return fs::exists(path + ".new"); })) << "it has tried";
  fs::remove(path);
  EXPECT_TRUE(Eventually([&] { return SavedGeneration(path) == 8; }));
}

TEST(StateSaver, ReleasesItsFolderWhenItHasFinished) {
  const TempDir dir;
  StateFolder folder(dir.path(), "node-1");
  ASSERT_TRUE(folder.Claim());
  StateSaver saver(std::move(folder));
  saver.Save(SnapshotOf(9));
  saver.Finish();
  StateFolder next(dir.path(), "node-1");
  EXPECT_TRUE(Eventually([&] { return next.Claim().has_value(); }));
  EXPECT_EQ(SavedGeneration(StateFilePath(dir.path())), 9);
}

TEST(StateSaver, ItsEndDoesNotWaitForAFolderThatCannotBe) {
  const TempDir dir;
  const auto start = std::chrono::steady_clock::now();
  {
    StateSaver saver(StateFolder(dir.Write("file", "") + "/state", "node-1"),
                     std::chrono::hours(1));
    saver.Save(SnapshotOf(1));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::hours(1));
}

}  // namespace
}  // namespace sluice::dataplane
