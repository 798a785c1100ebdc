// What ctl does without a control plane: validate, version, completion, help.
#include "tests/integration/ctl/ctl_test.h"
#include "tests/support/source_tree.h"

namespace sluice::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::vector<std::pair<std::string, std::string>> kNobody = {{"SLUICE_SERVER", "127.0.0.1:1"}};

TEST(Validate, SaysOfEachObjectThatItIsValid) {
  const ProcessResult result = BareCtl(
      {"validate", "-"}, kNobody, UpstreamYaml("u") + ListenerYaml("l", "127.0.0.1:7001", "u"));
  EXPECT_THAT(result, Exits(0));
  EXPECT_EQ(result.out, "upstream/u valid\nlistener/l valid\n");
  EXPECT_THAT(result.err, IsEmpty());
}

TEST(Validate, ReportsEverythingThatIsWrongWithPositions) {
  const TempDir dir;
  const std::string file =
      dir.Write("u.yaml", UpstreamYaml("u", "db1") + ListenerYaml("l", "nowhere", "u"));
  const ProcessResult result = BareCtl({"validate", file}, kNobody);
  EXPECT_THAT(result, Exits(2));
  EXPECT_THAT(result.out, IsEmpty());
  EXPECT_THAT(result.err, AllOf(HasSubstr("'db1' (" + file + ":7:6)"),
                                HasSubstr("'nowhere' (" + file + ":13:3)")));
}

TEST(Validate, AReferenceToWhatMayBeStoredIsAllowedUnlessTheManifestsStandAlone) {
  const std::string listener = ListenerYaml("l", "127.0.0.1:7001", "u");
  EXPECT_THAT(BareCtl({"validate", "-"}, kNobody, listener), Exits(0));
  const ProcessResult alone = BareCtl({"validate", "--self-contained", "-"}, kNobody, listener);
  EXPECT_THAT(alone, Exits(2));
  EXPECT_THAT(alone.err, HasSubstr("(stdin:8:14)"));
}

TEST(Validate, AcceptsTheExamples) {
  EXPECT_THAT(BareCtl({"validate", SourceFile("deploy/examples")}, kNobody), Exits(0));
}

TEST(Version, OfTheClientNeedsNoServer) {
  const ProcessResult result = BareCtl({"version", "--client"}, kNobody);
  EXPECT_THAT(result, Exits(0));
  EXPECT_THAT(result.out, testing::MatchesRegex("client: [0-9].*\n"));
  EXPECT_THAT(result.err, IsEmpty());
}

TEST(Version, IsAnsweredAlsoWhenTheControlPlaneIsNot) {
  const ProcessResult result = BareCtl({"version"}, kNobody);
  EXPECT_THAT(result, Exits(0));
  EXPECT_THAT(result.out, AllOf(HasSubstr("client: "), Not(HasSubstr("server: "))));
  EXPECT_THAT(result.err, HasSubstr("no control plane answers"));
}

class ServerVersion : public CtlTest {};

TEST_F(ServerVersion, ComesWithTheGeneration) {
  Store(UpstreamYaml("u"));
  EXPECT_THAT(Run({"version"}).out,
              AllOf(HasSubstr("server: "), HasSubstr(control_plane_.api() + ", generation 1)")));
}

TEST(Completion, OfBashIsSourcedWithoutAnErrorAndCompletes) {
  const std::string script =
      "set -euo pipefail; PATH=\"$(dirname '" + BinPath("ctl") +
      "'):$PATH\"\n"
      "source <(ctl completion bash)\n"
      "set +e\n"
      "COMP_LINE='ctl des' COMP_POINT=7; _ctl_complete; echo \"${COMPREPLY[*]}\"\n"
      "COMP_LINE='ctl get lis' COMP_POINT=11; _ctl_complete; echo \"${COMPREPLY[*]}\"\n"
      "COMP_LINE='ctl apply --dr' COMP_POINT=14; _ctl_complete; echo \"${COMPREPLY[*]}\"\n";
  ProcessOptions options;
  options.environment = kNobody;
  const ProcessResult result = test::Run({"bash", "--norc", "-c", script}, options);
  EXPECT_THAT(result, Exits(0));
  EXPECT_EQ(result.out, "describe\nlisteners\n--dry-run\n");
  EXPECT_THAT(result.err, IsEmpty());
}

TEST(Completion, IsThereForOtherShellsAndNoOther) {
  EXPECT_THAT(BareCtl({"completion", "zsh"}).out, HasSubstr("#compdef ctl"));
  EXPECT_THAT(BareCtl({"completion", "fish"}).out, HasSubstr("complete -c ctl"));
  const ProcessResult other = BareCtl({"completion", "csh"});
  EXPECT_THAT(other, Exits(2));
  EXPECT_THAT(other.err, HasSubstr("bash, zsh or fish"));
}

class CompletionOfNames : public CtlTest {};

TEST_F(CompletionOfNames, AsksTheControlPlane) {
  Store(UpstreamYaml("orders") + UpstreamYaml("cache", "127.0.0.1:5"));
  EXPECT_EQ(Run({"__complete", "--", "get", "upstream", "or"}).out, "orders\n");
  EXPECT_EQ(Run({"__complete", "--", "delete", "upstream/c"}).out, "upstream/cache\n");
  EXPECT_EQ(Run({"__complete", "--", "endpoints", "drain", "cache", ""}).out, "127.0.0.1:5\n");
}

TEST(Help, GoesToStandardOutputWhenAskedForAndToStandardErrorWhenNot) {
  const ProcessResult asked = BareCtl({"--help"});
  EXPECT_THAT(asked, Exits(0));
  EXPECT_THAT(asked.out, AllOf(HasSubstr("apply"), HasSubstr("Exit status")));
  const ProcessResult lost = BareCtl({});
  EXPECT_THAT(lost, Exits(2));
  EXPECT_THAT(lost.out, IsEmpty());
  EXPECT_THAT(BareCtl({"aply"}).err, HasSubstr("did you mean 'apply'?"));
}

}  // namespace
}  // namespace sluice::test
