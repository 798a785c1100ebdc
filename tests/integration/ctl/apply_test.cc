// ctl apply: where manifests come from, and what it says of each object.
#include <signal.h>

#include <sstream>

#include "tests/integration/ctl/ctl_test.h"
#include "tests/support/source_tree.h"

namespace sluice::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

class Apply : public CtlTest {};

TEST_F(Apply, SaysOfEachObjectWhetherItIsCreatedConfiguredOrUnchanged) {
  const std::string file = dir_.Write("a.yaml", UpstreamYaml("a") + UpstreamYaml("b"));
  const ProcessResult first = Run({"apply", file});
  EXPECT_THAT(first, Exits(0));
  EXPECT_EQ(first.out, "upstream/a created\nupstream/b created\n");
  EXPECT_THAT(first.err, IsEmpty());

  dir_.Write("a.yaml", UpstreamYaml("a", "127.0.0.1:2") + UpstreamYaml("b"));
  EXPECT_EQ(Run({"apply", file}).out, "upstream/a configured\nupstream/b unchanged\n");
}

TEST_F(Apply, AnUnchangedBatchMakesNoGeneration) {
  Store(UpstreamYaml("a"));
  const std::string before = StoreContent();
  Store(UpstreamYaml("a"));
  EXPECT_EQ(StoreContent(), before);
}

TEST_F(Apply, TakesFilesByFlagAndAsOperandsTogether) {
  const std::string a = dir_.Write("a.yaml", UpstreamYaml("a"));
  const std::string b = dir_.Write("b.yaml", UpstreamYaml("b"));
  const std::string c = dir_.Write("c.yaml", UpstreamYaml("c"));
  EXPECT_THAT(Run({"apply", "-f", a, "--filename=" + b, c}), Exits(0));
  EXPECT_EQ(Run({"get", "upstreams", "-o", "name"}).out, "upstream/a\nupstream/b\nupstream/c\n");
}

TEST_F(Apply, ReadsEveryManifestOfAFolder) {
  dir_.Write("1.yaml", ListenerYaml("l", "127.0.0.1:7001", "b"));
  dir_.Write("2.yml", UpstreamYaml("b"));
  dir_.Write("notes.txt", "not a manifest");
  const ProcessResult result = Run({"apply", dir_.path()});
  EXPECT_THAT(result, Exits(0));
  EXPECT_EQ(result.out, "listener/l created\nupstream/b created\n");
}

TEST_F(Apply, TakesTheExamplesAllTogether) {
  EXPECT_THAT(Run({"apply", SourceFile("deploy/examples")}), Exits(0));
}

TEST_F(Apply, ReadsStandardInputOnlyWhenTold) {
  EXPECT_EQ(Run({"apply", "-"}, UpstreamYaml("a")).out, "upstream/a created\n");
  EXPECT_EQ(Run({"apply", "-f", "-"}, UpstreamYaml("a")).out, "upstream/a unchanged\n");
  const ProcessResult nothing = Run({"apply"}, UpstreamYaml("b"));
  EXPECT_THAT(nothing, Exits(2));
  EXPECT_THAT(nothing.err, HasSubstr("name a manifest: a file, a directory, or - "));
}

TEST_F(Apply, ADryRunSaysWhatWouldHappenAndStoresNothing) {
  const std::string before = StoreContent();
  const ProcessResult result = Run({"apply", "--dry-run", "-"}, UpstreamYaml("a"));
  EXPECT_THAT(result, Exits(0));
  EXPECT_EQ(result.out, "upstream/a created (server dry run)\n");
  EXPECT_EQ(StoreContent(), before);
}

TEST_F(Apply, WhatIsNoDryRunIsStored) {
  EXPECT_EQ(Run({"apply", "--dry-run=false", "-"}, UpstreamYaml("a")).out, "upstream/a created\n");
  EXPECT_EQ(Run({"apply", "--dry-run=none", "--wait=false", "-f=-"}, UpstreamYaml("b")).out,
            "upstream/b created\n");
  EXPECT_EQ(Run({"get", "upstreams", "-o=name"}).out, "upstream/a\nupstream/b\n");
}

TEST_F(Apply, ADryRunOfTheServerFindsWhatOnlyItCanAndOneOfTheClientAsksNobody) {
  const std::string before = StoreContent();
  const std::string dangling = ListenerYaml("l", "127.0.0.1:7001", "nowhere");
  EXPECT_THAT(Run({"apply", "--dry-run=server", "-"}, dangling), Exits(1));
  EXPECT_EQ(Run({"apply", "--dry-run=client", "-"}, dangling).out,
            "listener/l checked (dry run)\n");
  EXPECT_EQ(StoreContent(), before);
  control_plane_.Kill();
  EXPECT_THAT(Run({"apply", "--dry-run=client", "-"}, dangling), Exits(0));
  EXPECT_THAT(Run({"apply", "--dry-run=client", "-"}, "kind: Upstream\n"), Exits(2));
}

TEST_F(Apply, TakesAListOfFiles) {
  const std::string a = dir_.Write("a.yaml", UpstreamYaml("a"));
  const std::string b = dir_.Write("b.yaml", UpstreamYaml("b"));
  EXPECT_EQ(Run({"apply", "-f", a + "," + b}).out, "upstream/a created\nupstream/b created\n");
}

TEST_F(Apply, ADryRunCannotBeWaitedFor) {
  EXPECT_THAT(Run({"apply", "--dry-run", "--wait", "-"}, UpstreamYaml("a")), Exits(2));
}

TEST_F(Apply, PutsObjectsWithoutANamespaceIntoTheFlags) {
  EXPECT_THAT(Run({"apply", "-n", "team", "-"}, UpstreamYaml("a")), Exits(0));
  EXPECT_EQ(Run({"get", "upstreams", "-n", "team", "-o", "name"}).out, "upstream/team/a\n");
  EXPECT_THAT(Run({"get", "upstream", "a"}), Exits(1));
}

TEST_F(Apply, RefusesAVersionThatSomebodyHasChangedMeanwhile) {
  Store(UpstreamYaml("a"));
  const std::string read = Run({"get", "upstream", "a", "-o", "yaml"}).out;
  Store(UpstreamYaml("a", "127.0.0.1:2"));
  std::string edited = read;
  edited.replace(edited.find("127.0.0.1:1"), 11, "127.0.0.1:3");
  const std::string before = StoreContent();
  const ProcessResult result = Run({"apply", "-"}, edited);
  EXPECT_THAT(result, Exits(1));
  EXPECT_THAT(result.err, AllOf(HasSubstr("`metadata.resourceVersion` must be that of the stored"),
                                HasSubstr("(stdin:8:3)")));
  EXPECT_EQ(StoreContent(), before);
}

TEST_F(Apply, SaysWhenTheAnswerIsLostThatTheChangeMayBeStored) {
  control_plane_.process().Signal(SIGSTOP);
  const ProcessResult lost = Run({"apply", "-", "--request-timeout", "300ms"}, UpstreamYaml("a"));
  control_plane_.process().Signal(SIGCONT);
  EXPECT_THAT(lost, Exits(1));
  EXPECT_THAT(lost.err, HasSubstr("All of the change may be stored, or nothing of it"));
  control_plane_.Kill();
  const ProcessResult never = Run({"apply", "-"}, UpstreamYaml("a"));
  EXPECT_THAT(never, Exits(1));
  EXPECT_THAT(never.err, testing::Not(HasSubstr("may be stored")));
}

TEST_F(Apply, WithoutADataPlaneThereIsNothingToWaitFor) {
  const ProcessResult result = Run({"apply", "--wait", "-"}, UpstreamYaml("a"));
  EXPECT_THAT(result, Exits(0));
  EXPECT_THAT(result.err, HasSubstr("no connected data plane is selected"));
}

TEST_F(Apply, AThousandObjectsAreOneAnswer) {
  std::string yaml;
  for (int i = 0; i < 1000; ++i) yaml += UpstreamYaml("u" + std::to_string(i));
  const ProcessResult result = Run({"apply", "-"}, yaml);
  EXPECT_THAT(result, Exits(0));
  EXPECT_THAT(result.out, HasSubstr("upstream/u999 created\n"));
  EXPECT_THAT(Run({"version"}).out, HasSubstr("generation 1)"));
}

TEST_F(Apply, ShowsManyViolationsInTheOrderOfTheFileAndSaysThatThereAreMore) {
  std::string yaml;
  for (int i = 0; i < 150; ++i) {
    yaml += ListenerYaml("l" + std::to_string(i), "127.0.0.1:" + std::to_string(2000 + i), "none");
  }
  const ProcessResult result = Run({"apply", "-"}, yaml);
  EXPECT_THAT(result, Exits(1));
  std::istringstream lines(result.err);
  std::string line;
  int last = 0;
  for (int shown = 0; shown < 100; ++shown) {
    std::getline(lines, line);
    const auto at = line.rfind("(stdin:");
    ASSERT_NE(at, std::string::npos) << line;
    const int number = std::stoi(line.substr(at + 7));
    EXPECT_GT(number, last);
    last = number;
  }
  std::getline(lines, line);
  EXPECT_EQ(line, "... and 50 more");
  EXPECT_FALSE(std::getline(lines, line)) << line;
}

}  // namespace
}  // namespace sluice::test
