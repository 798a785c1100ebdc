// What is wrong with a path or a file is said in words, and a commit that cannot be written leaves
// the store as it was.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "controlplane/store/store.h"
#include "tests/support/sample_resources.h"
#include "tests/support/temp_dir.h"

namespace sluice::controlplane {
namespace {

using test::AsChange;
using test::SampleUpstream;
using testing::HasSubstr;

class SqliteStoreErrors : public testing::Test {
 protected:
  std::string Location() const { return "sqlite:" + dir_.File("store.db"); }
  void MakeStore() {
    auto store = OpenStore(Location());
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_TRUE((*store)->Commit(0, {AsChange(SampleUpstream("a"))}));
  }
  void Sql(const std::string& sql) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(dir_.File("store.db").c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database);
    sqlite3_close(database);
  }
  Error OpenError(const std::string& location) {
    auto store = OpenStore(location);
    EXPECT_FALSE(store) << location;
    return store ? Error{} : store.error();
  }

  test::TempDir dir_;
};

TEST_F(SqliteStoreErrors, SayWhatAStoreMustBe) {
  for (const std::string location : {"", "sqlite:", "/tmp/x", "postgres:db"}) {
    EXPECT_THAT(OpenError(location).message, HasSubstr("must be sqlite:PATH"));
  }
}

TEST_F(SqliteStoreErrors, NameAMissingDirectory) {
  EXPECT_THAT(OpenError("sqlite:" + dir_.File("none/store.db")).message,
              testing::AllOf(HasSubstr(dir_.File("none")), HasSubstr("No such file or directory")));
}

TEST_F(SqliteStoreErrors, NameADirectoryInPlaceOfTheFile) {
  EXPECT_THAT(OpenError("sqlite:" + dir_.path()).message, HasSubstr("is not a regular file"));
}

TEST_F(SqliteStoreErrors, NameAFileThatIsNoDatabase) {
  dir_.Write("store.db", std::string(5000, 'x'));
  const Error error = OpenError(Location());
  EXPECT_EQ(error.code, ErrorCode::kDataLoss);
  EXPECT_THAT(error.message, HasSubstr("is not an SQLite database"));
}

TEST_F(SqliteStoreErrors, RefuseTheDatabaseOfAnotherProgram) {
  Sql("CREATE TABLE songs(title TEXT)");
  EXPECT_THAT(OpenError(Location()).message, HasSubstr("of another program"));
}

TEST_F(SqliteStoreErrors, RefuseANewerSchema) {
  MakeStore();
  Sql("PRAGMA user_version = 7");
  const Error error = OpenError(Location());
  EXPECT_EQ(error.code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(error.message, testing::AllOf(HasSubstr("newer version"), HasSubstr("schema 7")));
}

// As a restore does: it has to be the only one, and nobody may come meanwhile.
TEST_F(SqliteStoreErrors, SayThatAnotherProgramHasTheStoreToItself) {
  auto store = OpenStore(Location());
  ASSERT_TRUE(store);
  const int lock = open(dir_.File("store.db-lock").c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(lock, 0);
  EXPECT_NE(flock(lock, LOCK_EX | LOCK_NB), 0) << "while a control plane has the store";
  store->reset();
  ASSERT_EQ(flock(lock, LOCK_EX | LOCK_NB), 0);
  std::filesystem::create_symlink(dir_.File("store.db"), dir_.File("alias.db"));
  for (const char* name : {"store.db", "alias.db"}) {
    EXPECT_THAT(OpenError("sqlite:" + dir_.File(name)).message,
                testing::AllOf(HasSubstr("to itself"), HasSubstr(dir_.File("store.db-lock"))));
  }
  close(lock);
  EXPECT_TRUE(OpenStore(Location()));
}

TEST_F(SqliteStoreErrors, LetOthersReadTheFileMeanwhile) {
  auto store = OpenStore(Location());
  ASSERT_TRUE(store);
  ASSERT_TRUE((*store)->Commit(0, {AsChange(SampleUpstream("a"))}));
  Sql("SELECT count(*) FROM objects");
  EXPECT_TRUE((*store)->Commit(1, {AsChange(SampleUpstream("b"))}));
}

TEST_F(SqliteStoreErrors, NameADamagedFile) {
  {
    auto store = OpenStore(Location());
    ASSERT_TRUE(store);
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE((*store)->Commit(i, {AsChange(SampleUpstream("u" + std::to_string(i)))}));
    }
  }
  std::fstream file(dir_.File("store.db"), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096 * 2);
  const std::string garbage(4096 * 4, '\x5a');
  file.write(garbage.data(), static_cast<std::streamsize>(garbage.size()));
  file.close();
  const Error error = OpenError(Location());
  EXPECT_EQ(error.code, ErrorCode::kDataLoss);
  EXPECT_THAT(error.message, HasSubstr("is damaged"));
}

TEST_F(SqliteStoreErrors, NameADamagedObject) {
  MakeStore();
  Sql("UPDATE objects SET message = x'ffffffff'");
  auto store = OpenStore(Location());
  ASSERT_TRUE(store);
  const auto state = (*store)->Read();
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code, ErrorCode::kDataLoss);
  EXPECT_THAT(state.error().message, HasSubstr("upstream/a"));
}

TEST_F(SqliteStoreErrors, NameAKindThatIsNotKnown) {
  MakeStore();
  Sql("UPDATE objects SET kind = 'Gadget'");
  auto store = OpenStore(Location());
  ASSERT_TRUE(store);
  EXPECT_THAT((*store)->Read().error().message, HasSubstr("'Gadget'"));
}

TEST_F(SqliteStoreErrors, KeepTheFileFromOtherUsers) {
  MakeStore();
  struct stat attributes {};
  ASSERT_EQ(stat(dir_.File("store.db").c_str(), &attributes), 0);
  EXPECT_EQ(attributes.st_mode & 0777, 0600u);
  ASSERT_EQ(stat(dir_.File("store.db-lock").c_str(), &attributes), 0);
  EXPECT_EQ(attributes.st_mode & 0777, 0600u);
}

// Writes beyond the limit fail with EFBIG, as they do with ENOSPC on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limited{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limited);
  }
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

v1::Upstream BigUpstream(const std::string& name) {
  v1::Upstream upstream = SampleUpstream(name);
  (*upstream.mutable_metadata()->mutable_annotations())["note"] = std::string(200 * 1024, 'x');
  return upstream;
}

TEST_F(SqliteStoreErrors, RefuseACommitThatDoesNotFitAndStayAsTheyWere) {
  auto store = OpenStore(Location());
  ASSERT_TRUE(store);
  ASSERT_TRUE((*store)->Commit(0, {AsChange(SampleUpstream("a"))}));
  {
    const FileSizeLimit limit(512 * 1024);
    std::int64_t generation = 1;
    Result<std::int64_t> last(0);
    while ((last = (*store)->Commit(generation,
                                    {AsChange(BigUpstream("b" + std::to_string(generation))),
                                     AsChange(SampleUpstream("c"))}))) {
      ASSERT_LT(++generation, 20);
    }
    EXPECT_THAT(last.error().message, HasSubstr(dir_.File("store.db")));
    EXPECT_EQ((*store)->Read()->generation, generation);
    EXPECT_FALSE((*store)->Commit(generation, {AsChange(BigUpstream("again"))}));
  }
  const std::int64_t generation = (*store)->Read()->generation;
  EXPECT_TRUE((*store)->Commit(generation, {AsChange(BigUpstream("now"))}))
      << "it goes on when there is room";
  store->reset();
  auto reopened = OpenStore(Location());
  ASSERT_TRUE(reopened) << reopened.error().message;
  EXPECT_EQ((*reopened)->Read()->generation, generation + 1);
}

TEST_F(SqliteStoreErrors, RefuseACommitOnAFullDisk) {
  const std::string disk = dir_.File("disk");
  std::filesystem::create_directory(disk);
  if (mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=1m") != 0)
    GTEST_SKIP() << "no file systems can be mounted here";
  {
    auto store = OpenStore("sqlite:" + disk + "/store.db");
    ASSERT_TRUE(store) << store.error().message;
    std::int64_t generation = 0;
    Result<std::int64_t> last(0);
    while ((last = (*store)->Commit(generation,
                                    {AsChange(BigUpstream("b" + std::to_string(generation)))}))) {
      ASSERT_LT(++generation, 20);
    }
    EXPECT_EQ(last.error().code, ErrorCode::kResourceExhausted);
    EXPECT_THAT(last.error().message, HasSubstr("no space is left"));
    EXPECT_EQ((*store)->Read()->generation, generation);
    EXPECT_EQ((*store)->Read()->resources.size(), static_cast<std::size_t>(generation));
  }
  EXPECT_EQ(umount2(disk.c_str(), MNT_DETACH), 0);
}

TEST_F(SqliteStoreErrors, NameAReadOnlyFileSystem) {
  const std::string disk = dir_.File("disk");
  std::filesystem::create_directory(disk);
  if (mount("tmpfs", disk.c_str(), "tmpfs", MS_RDONLY, "size=1m") != 0) {
    GTEST_SKIP() << "no file systems can be mounted here";
  }
  EXPECT_THAT(OpenError("sqlite:" + disk + "/store.db").message,
              HasSubstr("Read-only file system"));
  EXPECT_EQ(umount2(disk.c_str(), MNT_DETACH), 0);
}

}  // namespace
}  // namespace sluice::controlplane
