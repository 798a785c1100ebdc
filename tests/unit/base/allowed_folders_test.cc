#include "common/base/allowed_folders.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "tests/support/temp_dir.h"

namespace sluice {
namespace {

using test::TempDir;
using ::testing::HasSubstr;

TEST(AllowedFolders, APathIsBelowAFolderByItsPartsNotByItsLetters) {
  const AllowedFolders folders({"/var/log/sluice/", "/srv"});
  EXPECT_TRUE(folders.Allows("/var/log/sluice/a.log"));
  EXPECT_TRUE(folders.Allows("/var/log/sluice/team/a.log"));
  EXPECT_TRUE(folders.Allows("/srv/x"));
  for (const char* path :
       {"/var/log/sluice", "/var/log/sluice/", "/var/log/sluice-else/a", "/var/log/a",
        "/etc/passwd", "/var/log/sluice/../a", "/var/log/sluice/./a", "/var/log/sluice//a",
        "/srv/a/..", "srv/a", "/srv/a\nb", "/srv/a/", ""}) {
    EXPECT_FALSE(folders.Allows(path)) << path;
  }
  EXPECT_EQ(folders.Text(), "/var/log/sluice or /srv");
}

TEST(AllowedFolders, NoneAllowNothingTheRootAllowsAll) {
  EXPECT_FALSE(AllowedFolders({}).Allows("/tmp/a"));
  EXPECT_EQ(AllowedFolders({}).Text(), "no folder");
  EXPECT_TRUE(AllowedFolders({"/"}).Allows("/tmp/a"));
  EXPECT_EQ(AllowedFolders({"/"}).Text(), "/");
  EXPECT_TRUE(AllowedFolders::Everywhere().Allows("/tmp/../a"));
}

TEST(AllowedFolders, OpensTheFolderOfAFileButOverNoLinkBelowTheAllowedOne) {
  const TempDir dir;
  const TempDir elsewhere;
  ASSERT_EQ(::mkdir(dir.File("real").c_str(), 0755), 0);
  ASSERT_EQ(::mkdir(dir.File("real/deep").c_str(), 0755), 0);
  ASSERT_EQ(::symlink(elsewhere.path().c_str(), dir.File("link").c_str()), 0);
  ASSERT_EQ(::symlink(dir.path().c_str(), elsewhere.File("logs").c_str()), 0);

  const AllowedFolders folders({dir.path()});
  for (const char* path : {"a.log", "real/a.log", "real/deep/a.log"}) {
    const auto parent = folders.OpenParent(dir.File(path));
    ASSERT_TRUE(parent) << parent.error().message;
    struct stat got {};
    struct stat wanted {};
    ASSERT_EQ(::fstat(parent->get(), &got), 0);
    const std::string file = dir.File(path);
    ASSERT_EQ(::stat(file.substr(0, file.rfind('/')).c_str(), &wanted), 0);
    EXPECT_EQ(got.st_ino, wanted.st_ino) << path;
  }
  const auto over_link = folders.OpenParent(dir.File("link/a.log"));
  ASSERT_FALSE(over_link);
  EXPECT_THAT(over_link.error().message, HasSubstr("'link' on the way is a link or no folder"));
  const auto missing = folders.OpenParent(dir.File("missing/a.log"));
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("'missing' on the way cannot be opened: No such"));

  // The node's own folder may be named over a link.
  const AllowedFolders by_link({elsewhere.File("logs")});
  EXPECT_TRUE(by_link.OpenParent(elsewhere.File("logs/real/a.log")));
}

}  // namespace
}  // namespace sluice
