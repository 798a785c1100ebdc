#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "common/manifest/manifest.h"

namespace sluice::manifest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class ReadManifestsTest : public testing::Test {
 protected:
  ReadManifestsTest() {
    std::string name = testing::TempDir() + "/manifestsXXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~ReadManifestsTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }
  static std::string Upstream(const std::string& name) {
    return "{apiVersion: sluice.dev/v1, kind: Upstream, metadata: {name: " + name + "}}\n";
  }
  static std::vector<std::string> Texts(const ParseOutcome& outcome) {
    std::vector<std::string> texts;
    for (const Diagnostic& diagnostic : outcome.diagnostics) texts.push_back(diagnostic.Text());
    return texts;
  }

  std::filesystem::path folder_;
};

TEST_F(ReadManifestsTest, ReadsTheManifestsOfAFolderInNameOrder) {
  Write("b.yaml", Upstream("b"));
  Write("a.yml", Upstream("a"));
  Write("c.json", Upstream("c"));
  Write("notes.txt", "no manifest");
  Write(".hidden.yaml", "no manifest");
  Write("d.yaml", "# nothing in it\n");
  std::filesystem::create_directory(folder_ / "below.yaml");
  const ParseOutcome outcome = ReadManifests({folder_});
  EXPECT_THAT(Texts(outcome), IsEmpty());
  std::vector<std::string> names;
  for (const Document& document : outcome.documents) names.push_back(document.resource.key().name);
  EXPECT_THAT(names, ElementsAre("a", "b", "c"));
}

TEST_F(ReadManifestsTest, RefusesAnObjectThatTwoFilesName) {
  const std::string one = Write("1.yaml", Upstream("a"));
  const std::string two = Write("2.yaml", Upstream("a"));
  EXPECT_THAT(Texts(ReadManifests({one, two})),
              ElementsAre(HasSubstr("upstream/a must be given once, it is at " + one)));
}

TEST_F(ReadManifestsTest, RefusesAHugeFileWithoutReadingIt) {
  const std::string huge = Write("huge.yaml", "");
  std::filesystem::resize_file(huge, 100 * 1024 * 1024);
  EXPECT_THAT(Texts(ReadManifests({huge})),
              ElementsAre("the file must have at most 8MiB, got 104857600 bytes (" + huge + ")"));
}

TEST_F(ReadManifestsTest, StopsReadingWhatNeverEnds) {
  EXPECT_THAT(Texts(ReadManifests({"/dev/zero"})),
              ElementsAre("the file must have at most 8MiB, got more (/dev/zero)"));
}

TEST_F(ReadManifestsTest, SaysWhyThereIsNothingToRead) {
  EXPECT_THAT(Texts(ReadManifests({folder_ / "none.yaml"})),
              ElementsAre(HasSubstr("the file cannot be opened: No such file")));
  EXPECT_THAT(Texts(ReadManifests({folder_})), ElementsAre(HasSubstr("at least one *.yaml")));
  const std::string empty = Write("empty.yaml", "");
  EXPECT_THAT(Texts(ReadManifests({empty})), ElementsAre(HasSubstr("at least one resource")));
}

}  // namespace
}  // namespace sluice::manifest
