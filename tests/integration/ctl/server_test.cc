// Where ctl looks for the control plane, and what it says when none is there.
#include <tuple>
#include <utility>

#include "tests/integration/ctl/ctl_test.h"
#include "tests/support/port_lease.h"

namespace sluice::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

class ServerAddress : public CtlTest {
 protected:
  void SetUp() override { Store(UpstreamYaml("u")); }
  std::string Config(const std::string& server) const {
    return dir_.Write("ctl.yaml", "server: \"" + server + "\"\n");
  }
};

const std::vector<std::string> kGet = {"get", "upstreams", "-o", "name"};

TEST_F(ServerAddress, ComesFromTheFlag) {
  EXPECT_EQ(BareCtl({"--server", control_plane_.api(), "get", "upstreams", "-o", "name"}).out,
            "upstream/u\n");
  EXPECT_EQ(BareCtl({"get", "upstreams", "-o", "name", "--server", control_plane_.api()}).out,
            "upstream/u\n");
}

TEST_F(ServerAddress, ComesFromTheEnvironment) {
  EXPECT_EQ(BareCtl(kGet, {{"SLUICE_SERVER", control_plane_.api()}}).out, "upstream/u\n");
}

TEST_F(ServerAddress, ComesFromAConfigurationFile) {
  const std::string config = Config(control_plane_.api());
  EXPECT_EQ(BareCtl({"--config", config, "get", "upstreams", "-o", "name"}).out, "upstream/u\n");
  EXPECT_EQ(BareCtl(kGet, {{"SLUICE_CONFIG", config}}).out, "upstream/u\n");
}

TEST_F(ServerAddress, TheFlagBeatsTheEnvironmentBeatsTheFile) {
  const std::string config = Config("127.0.0.1:1");
  EXPECT_EQ(BareCtl(kGet, {{"SLUICE_SERVER", control_plane_.api()}, {"SLUICE_CONFIG", config}}).out,
            "upstream/u\n");
  EXPECT_EQ(BareCtl({"--server", control_plane_.api(), "get", "upstreams", "-o", "name"},
                    {{"SLUICE_SERVER", "127.0.0.1:1"}})
                .out,
            "upstream/u\n");
}

TEST_F(ServerAddress, ABadConfigurationFileIsSaidToBeBad) {
  const std::string config = dir_.Write("ctl.yaml", "srver: 127.0.0.1:1\n");
  const ProcessResult result = BareCtl({"--config", config, "get", "upstreams"});
  EXPECT_THAT(result, Exits(2));
  EXPECT_THAT(result.err, HasSubstr(config + ":1:1: unknown key 'srver'"));
  EXPECT_THAT(BareCtl({"--config", dir_.File("none"), "get", "upstreams"}).err,
              HasSubstr("the file cannot be opened: No such file or directory"));
  EXPECT_THAT(BareCtl({"--config", "/", "get", "upstreams"}), Exits(2)) << "not the default server";
}

TEST(ServerUnreachable, SaysWhichAddressWhereItIsFromAndWhatToCheck) {
  const PortLease nobody;
  for (const auto& [arguments, environment, origin] :
       std::vector<std::tuple<std::vector<std::string>,
                              std::vector<std::pair<std::string, std::string>>, std::string>>{
           {{"--server", nobody.Address(), "get", "upstreams"}, {}, "from --server"},
           {{"get", "upstreams"}, {{"SLUICE_SERVER", nobody.Address()}}, "from SLUICE_SERVER"}}) {
    const ProcessResult result = BareCtl(arguments, environment);
    EXPECT_THAT(result, Exits(1));
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_THAT(result.err,
                AllOf(HasSubstr("no control plane answers at " + nobody.Address() + " (" + origin +
                                "): Connection refused\n"),
                      HasSubstr("sluice-controlplane --api"), HasSubstr("SLUICE_SERVER")));
  }
}

TEST(ServerUnreachable, SaysSoForEveryCommandThatNeedsIt) {
  const PortLease nobody;
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"apply", "-"},
                                             {"delete", "upstream", "u"},
                                             {"describe", "upstream", "u"},
                                             {"wait", "upstream", "u"},
                                             {"fleet"},
                                             {"endpoints", "drain", "u", "127.0.0.1:1"},
                                             {"get", "upstreams", "-w"}}) {
    const ProcessResult result = Ctl(nobody.Address(), command, UpstreamYaml("u"));
    EXPECT_THAT(result, Exits(1));
    EXPECT_THAT(result.err, HasSubstr("no control plane answers at " + nobody.Address()));
  }
}

TEST(ServerUnreachable, ASocketThatIsNotThereIsNamed) {
  const TempDir dir;
  const ProcessResult result = BareCtl({"--server", "unix:" + dir.File("api.sock"), "fleet"});
  EXPECT_THAT(result, Exits(1));
  EXPECT_THAT(result.err, HasSubstr("No such file or directory"));
}

TEST(ServerUnreachable, AMalformedAddressIsRefusedBeforeAnythingIsAsked) {
  for (const char* bad : {"gateway", "gateway:", ":7070", "gateway:0", "gateway:70700", "unix:x"}) {
    const ProcessResult result = BareCtl({"--server", bad, "fleet"});
    EXPECT_THAT(result, Exits(2));
    EXPECT_THAT(result.err,
                HasSubstr(std::string("must be host:port or unix:/path, got '") + bad + "'"));
  }
}

TEST_F(ServerAddress, TheDiscoveryPortIsTakenForWhatItIs) {
  const ProcessResult result = Ctl(control_plane_.xds(), {"get", "upstreams"});
  EXPECT_THAT(result, Exits(1));
  EXPECT_THAT(result.err, AllOf(HasSubstr(control_plane_.xds()), HasSubstr("not of its --xds")));
}

}  // namespace
}  // namespace sluice::test
