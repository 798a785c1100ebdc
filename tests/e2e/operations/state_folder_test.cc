// What a data plane makes of a --state-dir that is not as it should be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/support/sluice_processes.h"
#include "tests/support/tag_server.h"

namespace sluice::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class StateFolder : public testing::Test {
 protected:
  StateFolder() { fs::create_directory(dir_.File("state")); }
  DataPlaneOptions Options() const {
    return {.control_plane = control_plane_.xds(), .state_dir = dir_.File("state")};
  }
  void Apply() const {
    ApplyAndWait(control_plane_.api(), ProxyManifest(front_.Address(), a_.address()));
  }

  const TagServer a_{'a'};
  const PortLease front_;
  const TempDir dir_;
  const ControlPlane control_plane_;
};

TEST_F(StateFolder, ThatCannotBeWrittenToIsSaidAndTheNodeServes) {
  DataPlaneOptions options = Options();
  options.state_dir = "/proc/sluice";  // Nobody can make a folder there, root neither.
  DataPlane data_plane(options);
  Apply();
  EXPECT_EQ(TagAt(front_.Address()), 'a');
  EXPECT_THAT(data_plane.process().Err(), HasSubstr("event=state_folder_unusable"));
  EXPECT_EQ(data_plane.Stop(), 0);
}

TEST_F(StateFolder, WithALinkInPlaceOfAFileLosesNothingThatTheLinkPointsTo) {
  const std::string precious = dir_.Write("precious", "not ours");
  for (const std::string name : {"last-good", "last-good.new"}) {
    fs::create_symlink(precious, dir_.File("state/" + name));
  }
  DataPlane data_plane(Options());
  EXPECT_TRUE(Eventually(
      [&] { return data_plane.process().Err().find("it is a link") != std::string::npos; }));
  Apply();
  EXPECT_EQ(data_plane.Stop(), 0);
  EXPECT_EQ(ReadFile(precious), "not ours");
  EXPECT_FALSE(fs::is_symlink(dir_.File("state/last-good")));
}

TEST_F(StateFolder, WithFifosInPlaceOfFilesHangsNeitherTheStartNorTheEnd) {
  for (const std::string name : {"last-good", "last-good.new"}) {
    ASSERT_EQ(::mkfifo(dir_.File("state/" + name).c_str(), 0600), 0);
  }
  DataPlane data_plane(Options());
  Apply();
  EXPECT_EQ(TagAt(front_.Address()), 'a');
  EXPECT_EQ(data_plane.Stop(), 0);
  EXPECT_TRUE(fs::is_regular_file(dir_.File("state/last-good")));
}

TEST_F(StateFolder, OfAnotherDataPlaneIsLeftToIt) {
  DataPlane first(Options());
  Apply();
  ASSERT_TRUE(Eventually([&] { return fs::exists(dir_.File("state/last-good")); }));
  DataPlaneOptions options = Options();
  options.node = "node-2";
  DataPlane second(options);
  // In force, though the listener's address is the first one's.
  EXPECT_TRUE(Eventually([&] { return second.Metric("sluice_config_generation") == 1; }));
  EXPECT_THAT(second.process().Err(), HasSubstr("is in use by another data plane, node 'node-1'"));
  EXPECT_THAT(second.process().Err(), Not(HasSubstr("event=serving_saved_state")));
  EXPECT_THAT(first.process().Err(), Not(HasSubstr("event=state_")));
}

}  // namespace
}  // namespace sluice::test
