// ctl describe and ctl diff.
#include "tests/integration/ctl/ctl_test.h"

namespace sluice::test {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;

class Describe : public CtlTest {};

TEST_F(Describe, ShowsAnObjectWithAllThatHasToDoWithIt) {
  Store(UpstreamYaml("u", "127.0.0.1:5") + ListenerYaml("l", "127.0.0.1:7001", "u"));
  const ProcessResult upstream = Run({"describe", "upstream", "u"});
  EXPECT_THAT(upstream, Exits(0));
  EXPECT_THAT(upstream.out, HasSubstr("Name:             u\n"));
  EXPECT_THAT(upstream.out, ContainsRegex("127\\.0\\.0\\.1:5 +1 +- +active +upstream/u"));
  EXPECT_THAT(upstream.out, HasSubstr("Referred to by:"));
  EXPECT_THAT(upstream.out, ContainsRegex("listener/l +spec\\.routes\\[0\\]\\.proxy\\.upstream"));
  EXPECT_THAT(upstream.out, ContainsRegex("Programmed +False +NoDataPlane"));
  EXPECT_THAT(upstream.out, HasSubstr("no connected data plane is given it"));
  EXPECT_THAT(Run({"describe", "listener/l"}).out, ContainsRegex("upstream/u +spec.* yes\n"));
}

TEST_F(Describe, AnObjectThatIsNotThereIsNamedAndTheOthersAreShown) {
  Store(UpstreamYaml("u"));
  const ProcessResult result = Run({"describe", "upstream", "nope", "u"});
  EXPECT_THAT(result, Exits(1));
  EXPECT_EQ(result.err, "error: upstream/nope not found\n");
  EXPECT_THAT(result.out, HasSubstr("Name:             u\n"));
}

TEST_F(Describe, WantsAName) {
  EXPECT_THAT(Run({"describe", "upstreams"}), Exits(2));
  EXPECT_THAT(Run({"describe"}), Exits(2));
}

class Diff : public CtlTest {};

TEST_F(Diff, IsZeroAndSilentWhenNothingWouldChange) {
  Store(UpstreamYaml("u"));
  const ProcessResult result = Run({"diff", "-"}, UpstreamYaml("u"));
  EXPECT_THAT(result, Exits(0));
  EXPECT_THAT(result.out, IsEmpty());
  EXPECT_THAT(result.err, IsEmpty());
}

TEST_F(Diff, IsOneAndShowsTheLinesThatWouldChange) {
  Store(UpstreamYaml("u") + UpstreamYaml("same"));
  const std::string before = StoreContent();
  const std::string file =
      dir_.Write("u.yaml", UpstreamYaml("u", "127.0.0.1:2") + UpstreamYaml("same"));
  const ProcessResult result = Run({"diff", "-f", file});
  EXPECT_THAT(result, Exits(1));
  EXPECT_THAT(result.out, AllOf(HasSubstr("--- live/upstream/u\n+++ applied/upstream/u\n"),
                                HasSubstr("\n-  - address: \"127.0.0.1:1\"\n"
                                          "+  - address: \"127.0.0.1:2\"\n")));
  EXPECT_THAT(result.out, testing::Not(HasSubstr("upstream/same")));
  EXPECT_EQ(StoreContent(), before);
}

TEST_F(Diff, ShowsANewObjectWhole) {
  const ProcessResult result = Run({"diff", "-"}, UpstreamYaml("u"));
  EXPECT_THAT(result, Exits(1));
  EXPECT_THAT(result.out, AllOf(HasSubstr("--- /dev/null\n"), HasSubstr("\n+kind: Upstream\n")));
}

TEST_F(Diff, IsMoreThanOneWhenItCannotBeFoundOut) {
  EXPECT_THAT(Run({"diff", "-"}, "nonsense"), Exits(2));
  EXPECT_THAT(Run({"diff", "-"}, ListenerYaml("l", "127.0.0.1:7001", "nowhere")), Exits(2));
  EXPECT_THAT(Run({"diff"}), Exits(2));
  EXPECT_THAT(BareCtl({"--server", "127.0.0.1:1", "diff", "-"}, {}, UpstreamYaml("u")), Exits(2));
}

}  // namespace
}  // namespace sluice::test
