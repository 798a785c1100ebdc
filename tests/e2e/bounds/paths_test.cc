// Who may apply a manifest may not write files as the data plane's user.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "tests/support/neighbour.h"
#include "tests/support/sluice_processes.h"
#include "tests/support/tag_server.h"
#include "tests/support/temp_dir.h"

namespace sluice::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string Listener(const std::string& name, const std::string& address,
                     const std::string& more = "") {
  return fmt::format(
      "---\napiVersion: sluice.dev/v1\nkind: Listener\nmetadata: {{name: {}}}\nspec: {{address: "
      "\"{}\", routes: [{{proxy: {{upstream: web}}}}]{}}}\n",
      name, address, more);
}

std::string LogTo(const std::string& path) {
  return ", accessLog: [{to: \"" + path + "\", format: \"ssh-ed25519 AAAA $listener\"}]";
}

bool Exists(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

TEST(Paths, AManifestMakesNoFileAndNoSocketButWhereTheNodeAllows) {
  const TempDir allowed;
  const TempDir home;
  const std::string keys = home.Write("authorized_keys", "ssh-ed25519 BBBB admin\n");
  ASSERT_EQ(::symlink(keys.c_str(), allowed.File("link.log").c_str()), 0);
  ASSERT_EQ(::symlink(home.path().c_str(), allowed.File("away").c_str()), 0);

  const TagServer server('n');
  const PortLease front;
  const PortLease ports[4];
  ControlPlane control_plane;
  DataPlane data_plane(
      {.control_plane = control_plane.xds(),
       .more_flags = {"--log-dir", allowed.path(), "--socket-dir", allowed.path()}});
  const std::string upstream =
      "apiVersion: sluice.dev/v1\nkind: Upstream\nmetadata: {name: web}\nspec: {endpoints: "
      "[{address: \"" +
      server.address() + "\"}]}\n";
  ApplyAndWait(control_plane.api(), upstream + Listener("front", front.Address()));
  ASSERT_EQ(TagAt(front.Address()), 'n');

  Neighbour neighbour(front.Address(), 'n');
  const ProcessResult applied =
      Ctl(control_plane.api(), {"apply", "--wait", "--timeout", "30s", "-"},
          Listener("keys", ports[0].Address(), LogTo(keys)) +
              Listener("linked-file", ports[1].Address(), LogTo(allowed.File("link.log"))) +
              Listener("linked-folder", ports[2].Address(), LogTo(allowed.File("away/new"))) +
              Listener("socket", "unix:" + home.File("s.sock")) +
              Listener("linked-socket", "unix:" + allowed.File("away/s.sock")) +
              Listener("good-socket", "unix:" + allowed.File("s.sock")) +
              Listener("good", ports[3].Address(), LogTo(allowed.File("good.log"))));
  EXPECT_NE(applied.status, 0);
  EXPECT_THAT(applied.err, AllOf(HasSubstr("PathNotAllowed"), HasSubstr("--log-dir"),
                                 HasSubstr("--socket-dir"), HasSubstr("linked-file"),
                                 HasSubstr("links are not followed"), HasSubstr("linked-socket")));
  EXPECT_EQ(TagAt(ports[3].Address()), 'n');
  EXPECT_TRUE(
      Eventually([&] { return ReadFile(allowed.File("good.log")) == "ssh-ed25519 AAAA good\n"; }));
  EXPECT_TRUE(Exists(allowed.File("s.sock")));

  for (int i = 0; i < 3; ++i) EXPECT_EQ(TagAt(ports[i].Address()), '-') << i;
  EXPECT_EQ(ReadFile(keys), "ssh-ed25519 BBBB admin\n");
  EXPECT_FALSE(Exists(home.File("new")));
  EXPECT_FALSE(Exists(home.File("s.sock")));
  const NeighbourFigures figures = neighbour.Stop("listeners with paths that are not theirs");
  EXPECT_GT(figures.sessions, 0U);
  EXPECT_EQ(figures.failed, 0U);
}

TEST(Paths, AFormatThatForgesLinesIsRefusedBeforeAnythingIsStored) {
  ControlPlane control_plane;
  const ProcessResult applied = Ctl(
      control_plane.api(), {"apply", "-"},
      "apiVersion: sluice.dev/v1\nkind: Upstream\nmetadata: {name: web}\nspec: {endpoints: []}\n" +
          Listener("forger", "127.0.0.1:9999",
                   ", accessLog: [{to: stdout, format: \"x\\nssh-ed25519 AAAA\"}]"));
  EXPECT_NE(applied.status, 0);
  EXPECT_THAT(applied.err, HasSubstr("one line without control characters"));
}

TEST(Paths, TheOperatorsOwnFileMayNameAnyPath) {
  const TempDir dir;
  const TagServer server('s');
  const std::string socket = dir.File("s.sock");
  const std::string config =
      dir.Write("config.yaml",
                "apiVersion: sluice.dev/v1\nkind: Upstream\nmetadata: {name: web}\nspec: "
                "{endpoints: [{address: \"" +
                    server.address() + "\"}]}\n" +
                    Listener("local", "unix:" + socket, LogTo(dir.File("any.log"))));
  const DataPlane open({.config = config});
  EXPECT_TRUE(Eventually([&] { return open.Ready() && Exists(socket); }));
  EXPECT_TRUE(Exists(dir.File("any.log")));
}

}  // namespace
}  // namespace sluice::test
