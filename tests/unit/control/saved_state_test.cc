// The file in --state-dir, when the disk does not do as it should.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>

#include "dataplane/control/state_file.h"
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

// -1: there is none.
std::int64_t SavedGeneration(const std::string& path) {
  const auto saved = ReadStateFile(path);
  return saved && saved->has_value() ? (**saved).accepted.generation : -1;
}

TEST(SavedState, AFullDiskLeavesTheEarlierFileAndNoRemains) {
  const TempDir dir;
  const std::string path = StateFilePath(dir.path());
  ASSERT_TRUE(WriteStateFile(path, SnapshotOf(1)));
  fs::create_symlink("/dev/full", path + ".new");
  const Result<void> written = WriteStateFile(path, SnapshotOf(2));
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().message, HasSubstr("No space left on device"));
  EXPECT_EQ(SavedGeneration(path), 1);
  EXPECT_FALSE(fs::exists(fs::symlink_status(path + ".new")));
  EXPECT_TRUE(WriteStateFile(path, SnapshotOf(3)));
  EXPECT_EQ(SavedGeneration(path), 3);
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
  fs::create_symlink("/dev/full", path + ".new");  // Gone after the first attempt.
  StateSaver saver(path, std::chrono::milliseconds(1));
  saver.Save(SnapshotOf(8));
  EXPECT_TRUE(Eventually([&] { return SavedGeneration(path) == 8; }));
}

TEST(StateSaver, ItsEndDoesNotWaitForADiskThatTakesNothing) {
  const TempDir dir;
  const std::string path = StateFilePath(dir.File("not-there"));
  const auto start = std::chrono::steady_clock::now();
  {
    StateSaver saver(path, std::chrono::hours(1));
    saver.Save(SnapshotOf(1));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::hours(1));
}

}  // namespace
}  // namespace sluice::dataplane
