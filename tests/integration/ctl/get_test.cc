// ctl get: tables for people, and text for programs.
#include "tests/integration/ctl/ctl_test.h"

namespace sluice::test {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string Labelled(const std::string& name, const std::string& labels) {
  return "---\napiVersion: sluice.dev/v1\nkind: Upstream\nmetadata: {name: " + name +
         ", labels: {" + labels + "}}\nspec: {}\n";
}

class Get : public CtlTest {};

TEST_F(Get, ShowsATableOfOneKind) {
  Store(UpstreamYaml("u") + ListenerYaml("l", "127.0.0.1:7001", "u"));
  const ProcessResult result = Run({"get", "listeners"});
  EXPECT_THAT(result, Exits(0));
  EXPECT_THAT(result.out, ContainsRegex("^NAME +PROTOCOL +ADDRESS +ROUTES +PROGRAMMED +SYNCED"));
  EXPECT_THAT(result.out, ContainsRegex("\nl +TCP +127\\.0\\.0\\.1:7001 +1 +False +0/0"));
  EXPECT_THAT(result.out, Not(HasSubstr("\x1b"))) << "no colour when not a terminal";
  EXPECT_THAT(result.err, IsEmpty());
}

TEST_F(Get, WideShowsMoreAndNoHeadersShowsLess) {
  Store(UpstreamYaml("u") + ListenerYaml("l", "127.0.0.1:7001", "u"));
  EXPECT_THAT(Run({"get", "listener", "l", "-o", "wide"}).out, HasSubstr("UPSTREAMS"));
  EXPECT_THAT(Run({"get", "lis", "l", "--no-headers"}).out, testing::StartsWith("l "));
}

TEST_F(Get, ShowsEveryKindAtOnce) {
  Store(UpstreamYaml("u") + ListenerYaml("l", "127.0.0.1:7001", "u"));
  EXPECT_EQ(Run({"get", "all", "-o", "name"}).out, "upstream/u\nlistener/l\n");
  EXPECT_EQ(Run({"get", "listeners,upstreams", "-o", "name"}).out, "listener/l\nupstream/u\n");
  EXPECT_THAT(Run({"get", "all"}).out, AllOf(HasSubstr("upstream/u "), HasSubstr("listener/l ")));
}

TEST_F(Get, CountsTheEndpointsOfSlicesToo) {
  Store(UpstreamYaml("u") +
        "---\napiVersion: sluice.dev/v1\nkind: EndpointSlice\nmetadata: {name: u-1}\nspec: "
        "{upstream: "
        "u, endpoints: [{address: \"127.0.0.1:2\"}, {address: \"127.0.0.1:3\"}]}\n");
  EXPECT_THAT(Run({"get", "upstreams"}).out, ContainsRegex("\nu +ROUND_ROBIN +3 "));
}

TEST_F(Get, WhatItPrintsAsYamlAppliesAsUnchanged) {
  Store(UpstreamYaml("u") + ListenerYaml("l", "127.0.0.1:7001", "u"));
  const ProcessResult read = Run({"get", "all", "-o", "yaml"});
  EXPECT_THAT(read, Exits(0));
  const ProcessResult applied = Run({"apply", "-"}, read.out);
  EXPECT_THAT(applied, Exits(0));
  EXPECT_EQ(applied.out, "upstream/u unchanged\nlistener/l unchanged\n");
}

TEST_F(Get, WhatItPrintsAsJsonAppliesAsUnchanged) {
  Store(UpstreamYaml("u") + UpstreamYaml("v"));
  const ProcessResult list = Run({"get", "upstreams", "-o", "json"});
  EXPECT_THAT(list.out, HasSubstr("\"kind\": \"List\""));
  EXPECT_EQ(Run({"apply", "-"}, list.out).out, "upstream/u unchanged\nupstream/v unchanged\n");
  const ProcessResult one = Run({"get", "upstream", "u", "-o", "json"});
  EXPECT_THAT(one.out, HasSubstr("\"kind\": \"Upstream\""));
  EXPECT_EQ(Run({"apply", "-"}, one.out).out, "upstream/u unchanged\n");
}

TEST_F(Get, SelectsByLabel) {
  Store(Labelled("a", "team: x") + Labelled("b", "team: y") + Labelled("c", "other: z"));
  const auto names = [this](const std::string& selector) {
    return Run({"get", "upstreams", "-o", "name", "-l", selector}).out;
  };
  EXPECT_EQ(names("team=x"), "upstream/a\n");
  EXPECT_EQ(names("team!=x"), "upstream/b\nupstream/c\n");
  EXPECT_EQ(names("team in (x,y)"), "upstream/a\nupstream/b\n");
  EXPECT_EQ(names("!team"), "upstream/c\n");
}

TEST_F(Get, ABadSelectorIsAnErrorThatShowsAGoodOne) {
  const ProcessResult result = Run({"get", "upstreams", "-l", "a in b"});
  EXPECT_NE(result.status, 0);
  EXPECT_THAT(result.err, AllOf(HasSubstr("'a in b'"), HasSubstr("a=b,c!=d")));
}

TEST_F(Get, NothingThereIsNoError) {
  const ProcessResult result = Run({"get", "upstreams"});
  EXPECT_THAT(result, Exits(0));
  EXPECT_THAT(result.out, IsEmpty());
  EXPECT_EQ(result.err, "No resources found\n");
  const ProcessResult json = Run({"get", "upstreams", "-o", "json"});
  EXPECT_THAT(json, Exits(0));
  EXPECT_THAT(json.out, HasSubstr("\"items\": []")) << "for a program an empty list is an answer";
  EXPECT_THAT(json.err, IsEmpty());
}

TEST_F(Get, ANameThatIsNotThereIsOneAndTheOthersAreShown) {
  Store(UpstreamYaml("u"));
  const ProcessResult result = Run({"get", "upstream", "nope", "u", "-o", "name"});
  EXPECT_THAT(result, Exits(1));
  EXPECT_EQ(result.out, "upstream/u\n");
  EXPECT_EQ(result.err, "error: upstream/nope not found\n");
}

TEST_F(Get, AnUnknownKindIsAnErrorWithASuggestion) {
  const ProcessResult result = Run({"get", "upstraems"});
  EXPECT_THAT(result, Exits(2));
  EXPECT_THAT(result.err, HasSubstr("unknown kind 'upstraems'; did you mean 'upstreams'?"));
}

TEST_F(Get, ShowsEveryNamespaceWhenAsked) {
  Store(UpstreamYaml("u"));
  EXPECT_THAT(Run({"apply", "-n", "team", "-"}, UpstreamYaml("u")), Exits(0));
  EXPECT_EQ(Run({"get", "upstreams", "-A", "-o", "name"}).out, "upstream/u\nupstream/team/u\n");
  EXPECT_THAT(Run({"get", "upstreams", "-A"}).out, testing::StartsWith("NAMESPACE "));
}

TEST_F(Get, WatchShowsWhatIsThereAndThenEveryChange) {
  Store(UpstreamYaml("u"));
  Process watch({BinPath("ctl"), "--server", control_plane_.api(), "get", "upstreams", "-w"});
  const auto shows = [&](const std::string& row) {
    return Eventually([&] { return testing::Value(watch.Out(), ContainsRegex(row)); });
  };
  EXPECT_TRUE(shows("ADDED +u ")) << watch.Out() << watch.Err();
  Store(UpstreamYaml("v"));
  EXPECT_TRUE(shows("ADDED +v ")) << watch.Out();
  Store(UpstreamYaml("u", "127.0.0.1:2"));
  EXPECT_TRUE(shows("MODIFIED +u ")) << watch.Out();
  EXPECT_THAT(Run({"delete", "upstream", "v"}), Exits(0));
  EXPECT_TRUE(shows("DELETED +v ")) << watch.Out();
  EXPECT_TRUE(watch.Running());
}

TEST_F(Get, WatchGoesOnWhereItWasAfterTheControlPlaneIsBack) {
  Store(UpstreamYaml("u"));
  Process watch(
      {BinPath("ctl"), "--server", control_plane_.api(), "get", "upstreams", "-w", "-o", "name"});
  ASSERT_TRUE(Eventually([&] { return watch.Out() == "upstream/u\n"; })) << watch.Err();
  control_plane_.Kill();
  ASSERT_TRUE(Eventually([&] { return watch.Err().find("went away") != std::string::npos; }));
  control_plane_.Start();
  Store(UpstreamYaml("v"));
  EXPECT_TRUE(Eventually([&] { return watch.Out() == "upstream/u\nupstream/v\n"; }))
      << watch.Out() << watch.Err();
  EXPECT_TRUE(watch.Running());
}

TEST_F(Get, WatchGoesOnWhereItWasAfterAnOrderlyRestart) {
  Store(UpstreamYaml("u"));
  Process watch(
      {BinPath("ctl"), "--server", control_plane_.api(), "get", "upstreams", "-w", "-o", "name"});
  ASSERT_TRUE(Eventually([&] { return watch.Out() == "upstream/u\n"; })) << watch.Err();
  EXPECT_EQ(control_plane_.Stop(), 0);
  ASSERT_TRUE(Eventually([&] { return watch.Err().find("went away") != std::string::npos; }));
  control_plane_.Start();
  Store(UpstreamYaml("v"));
  EXPECT_TRUE(Eventually([&] { return watch.Out() == "upstream/u\nupstream/v\n"; }))
      << watch.Out() << watch.Err();
}

TEST_F(Get, WatchOfNoControlPlaneFailsAtOnce) {
  control_plane_.Kill();
  const ProcessResult result = Run({"get", "upstreams", "-w"});
  EXPECT_THAT(result, Exits(1));
  EXPECT_THAT(result.err, HasSubstr(control_plane_.api()));
}

TEST_F(Get, WatchOfOneObjectShowsNoOther) {
  Store(UpstreamYaml("u") + UpstreamYaml("v"));
  Process watch(
      {BinPath("ctl"), "--server", control_plane_.api(), "get", "upstream/v", "-w", "-o", "name"});
  ASSERT_TRUE(Eventually([&] { return watch.Out() == "upstream/v\n"; })) << watch.Err();
  Store(UpstreamYaml("u", "127.0.0.1:2"));
  Store(UpstreamYaml("v", "127.0.0.1:2"));
  EXPECT_TRUE(Eventually([&] { return watch.Out() == "upstream/v\nupstream/v\n"; })) << watch.Out();
}

TEST_F(Get, ANamespaceThatCannotBeIsRefused) {
  const ProcessResult result = Run({"get", "upstreams", "-n", "Team A"});
  EXPECT_THAT(result, Exits(2));
  EXPECT_THAT(result.err, HasSubstr("--namespace must be 1-63 of a-z, 0-9 and '-', got 'Team A'"));
  EXPECT_THAT(Run({"get", "upstreams", "-n", ""}), Exits(2));
}

}  // namespace
}  // namespace sluice::test
