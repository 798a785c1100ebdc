#include "controlplane/ctl/server_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "tests/support/temp_dir.h"

namespace sluice::ctl {
namespace {

using ::testing::HasSubstr;

ServerAddressSources From(std::map<std::string, std::string> environment) {
  return {.server_flag = {},
          .config_flag = {},
          .environment = [environment = std::move(environment)](const char* name) {
            const auto found = environment.find(name);
            return found == environment.end() ? std::string() : found->second;
          }};
}

TEST(ServerAddress, TheFlagComesFirst) {
  auto sources = From({{"SLUICE_SERVER", "env:1"}});
  sources.server_flag = "flag:2";
  const auto server = ResolveServerAddress(sources);
  ASSERT_TRUE(server);
  EXPECT_EQ(server->target, "flag:2");
  EXPECT_EQ(server->origin, "from --server");
}

TEST(ServerAddress, TheEnvironmentComesBeforeTheFile) {
  test::TempDir dir;
  const auto file = dir.Write("ctl.yaml", "server: file:3\n");
  const auto server =
      ResolveServerAddress(From({{"SLUICE_SERVER", "env:1"}, {"SLUICE_CONFIG", file}}));
  ASSERT_TRUE(server);
  EXPECT_EQ(server->target, "env:1");
  EXPECT_EQ(server->origin, "from SLUICE_SERVER");
}

TEST(ServerAddress, TheFileInTheHomeDirectoryIsRead) {
  test::TempDir home;
  std::filesystem::create_directories(home.File(".config/sluice"));
  const auto file = home.Write(".config/sluice/ctl.yaml", "server: '[::1]:7070'\n");
  const auto server = ResolveServerAddress(From({{"HOME", home.path()}}));
  ASSERT_TRUE(server) << server.error().message;
  EXPECT_EQ(server->target, "[::1]:7070");
  EXPECT_EQ(server->origin, "from " + file);
}

TEST(ServerAddress, NothingGivenMeansTheDefault) {
  test::TempDir home;
  const auto server = ResolveServerAddress(From({{"HOME", home.path()}}));
  ASSERT_TRUE(server);
  EXPECT_EQ(server->target, "127.0.0.1:7070");
  EXPECT_EQ(server->origin, "the default address");
}

TEST(ServerAddress, AFileThatWasNamedHasToExist) {
  auto sources = From({});
  sources.config_flag = "/nowhere/ctl.yaml";
  const auto server = ResolveServerAddress(sources);
  ASSERT_FALSE(server);
  EXPECT_THAT(server.error().message, HasSubstr("/nowhere/ctl.yaml"));
}

TEST(ServerAddress, AWrongFileIsAnErrorWithAPosition) {
  test::TempDir dir;
  auto sources = From({});
  for (const auto& [text, wrong] :
       std::map<std::string, std::string>{{"# none\nsrever: a:1\n", ":2:1: unknown key 'srever'"},
                                          {"server: [a\n", "ctl.yaml:"},
                                          {"server: [a, b]\n", "ctl.yaml:1:"},
                                          {"- server\n", "must be a map"},
                                          {"server: \"\\x00\\xff\"\n", "must be host:port"}}) {
    sources.config_flag = dir.Write("ctl.yaml", text);
    const auto server = ResolveServerAddress(sources);
    ASSERT_FALSE(server) << text;
    EXPECT_THAT(server.error().message, HasSubstr(wrong)) << text;
  }
}

TEST(ServerAddress, AHugeFileIsRefused) {
  test::TempDir dir;
  auto sources = From({});
  sources.config_flag = dir.Write("ctl.yaml", std::string(1 << 20, '#'));
  EXPECT_THAT(ResolveServerAddress(sources).error().message,
              HasSubstr("the file must have at most 64KiB, got 1048576 bytes"));
}

TEST(ServerAddress, OnlyHostWithPortAndUnixPathsAreAddresses) {
  auto sources = From({});
  for (const char* good : {"localhost:7070", "10.0.0.1:1", "[::1]:65535", "unix:/run/sluice"}) {
    sources.server_flag = good;
    EXPECT_TRUE(ResolveServerAddress(sources)) << good;
  }
  for (const char* bad : {"localhost", ":7070", "a:0", "a:65536", "a:http", "::1:7070", "unix:x"}) {
    sources.server_flag = bad;
    const auto server = ResolveServerAddress(sources);
    ASSERT_FALSE(server) << bad;
    EXPECT_THAT(server.error().message, HasSubstr("(from --server)"));
  }
}

}  // namespace
}  // namespace sluice::ctl
