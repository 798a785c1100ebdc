// ctl wait, without data planes.
#include "tests/integration/ctl/ctl_test.h"

namespace sluice::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Wait : public CtlTest {
 protected:
  std::vector<std::string> Command(const std::string& object, const std::string& what) const {
    return {BinPath("ctl"), "--server",      control_plane_.api(), "wait",
            object,         "--for=" + what, "--timeout",          "30s"};
  }
};

TEST_F(Wait, ReturnsAtOnceWhenItIsSo) {
  Store(UpstreamYaml("u"));
  const ProcessResult condition =
      Run({"wait", "upstream", "u", "--for=condition=Accepted", "--timeout", "1m"});
  EXPECT_THAT(condition, Exits(0));
  EXPECT_EQ(condition.out, "upstream/u condition met\n");
  EXPECT_EQ(Run({"wait", "upstream/u", "--for=create"}).out, "upstream/u created\n");
  EXPECT_EQ(Run({"wait", "upstream/none", "--for=delete"}).out, "upstream/none deleted\n");
  EXPECT_THAT(Run({"wait", "upstream/u", "--for=condition=Programmed=False"}), Exits(0));
}

TEST_F(Wait, ReturnsWhenTheObjectIsCreated) {
  Process wait(Command("upstream/u", "create"));
  Store(UpstreamYaml("u"));
  EXPECT_EQ(wait.Wait(), 0) << wait.Err();
  EXPECT_EQ(wait.Out(), "upstream/u created\n");
}

TEST_F(Wait, ReturnsWhenTheObjectIsDeleted) {
  Store(UpstreamYaml("u"));
  Process wait(Command("upstream/u", "delete"));
  EXPECT_TRUE(wait.Running());
  EXPECT_THAT(Run({"delete", "upstream", "u"}), Exits(0));
  EXPECT_EQ(wait.Wait(), 0) << wait.Err();
}

TEST_F(Wait, SaysAtTheDeadlineHowThingsStand) {
  Store(UpstreamYaml("u"));
  const ProcessResult synced = Run({"wait", "upstream", "u", "--timeout", "300ms"});
  EXPECT_THAT(synced, Exits(1));
  EXPECT_THAT(synced.err, AllOf(HasSubstr("timed out after 300ms waiting for upstream/u"),
                                HasSubstr("Synced is Unknown (NoDataPlane): 0/0 data planes")));
  const ProcessResult gone = Run({"wait", "upstream", "u", "--for=delete", "--timeout", "300ms"});
  EXPECT_THAT(gone, Exits(1));
  EXPECT_THAT(gone.err, HasSubstr("it exists"));
}

TEST_F(Wait, AConditionThatIsNotThereIsAnsweredWithThoseThatAre) {
  Store(UpstreamYaml("u"));
  const ProcessResult result =
      Run({"wait", "upstream/u", "--for=condition=Ready", "--timeout", "300ms"});
  EXPECT_THAT(result, Exits(1));
  EXPECT_THAT(result.err, AllOf(HasSubstr("no condition Ready"), HasSubstr("Programmed")));
}

TEST_F(Wait, AConditionOfNothingFailsAtOnce) {
  const ProcessResult result =
      Run({"wait", "upstream/none", "--for=condition=Accepted", "--timeout", "10m"});
  EXPECT_THAT(result, Exits(1));
  EXPECT_EQ(result.err, "error: upstream/none not found\n");
}

TEST_F(Wait, RefusesWhatItCannotWaitFor) {
  const ProcessResult result = Run({"wait", "upstream/u", "--for=ready"});
  EXPECT_THAT(result, Exits(2));
  EXPECT_THAT(result.err, HasSubstr("--for must be condition=TYPE[=True|False|Unknown]"));
  EXPECT_THAT(Run({"wait", "upstream/u", "--timeout", "soon"}), Exits(2));
}

TEST_F(Wait, OutlastsARestartOfTheControlPlane) {
  Store(UpstreamYaml("u") + UpstreamYaml("v"));
  Process wait({BinPath("ctl"), "--server", control_plane_.api(), "wait", "upstream/v",
                "upstream/u", "--for=delete", "--timeout", "60s"});
  EXPECT_THAT(Run({"delete", "upstream", "v"}), Exits(0));
  ASSERT_TRUE(Eventually([&] { return wait.Out() == "upstream/v deleted\n"; })) << wait.Err();
  control_plane_.Kill();
  control_plane_.Start();
  EXPECT_THAT(Run({"delete", "upstream", "u"}), Exits(0));
  EXPECT_EQ(wait.Wait(), 0) << wait.Err();
}

}  // namespace
}  // namespace sluice::test
