#include "controlplane/ctl/connection_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::ctl {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const ServerAddress kServer{"gw:7070", "from SLUICE_SERVER"};

TEST(PlainReason, KeepsWhatAPersonCanActOn) {
  EXPECT_EQ(PlainReason("failed to connect to all addresses; last error: UNKNOWN: "
                        "ipv4:127.0.0.1:1: Failed to connect to remote host: Connection refused"),
            "Connection refused");
  EXPECT_EQ(PlainReason("failed to connect to all addresses; last error: UNKNOWN: unix:/nope: No "
                        "such file or directory"),
            "No such file or directory");
  EXPECT_EQ(PlainReason("DNS resolution failed for gw:7070: C-ares status is not ARES_SUCCESS "
                        "qtype=AAAA name=gw is_balancer=0: Domain name not found"),
            "the name cannot be resolved: Domain name not found");
  EXPECT_EQ(PlainReason("Socket closed"), "Socket closed");
}

TEST(UnavailableText, SaysWhereTheAddressIsFromAndWhatToCheck) {
  EXPECT_THAT(UnavailableText(kServer, "failed to connect to all addresses; last error: x: y"),
              AllOf(HasSubstr("no control plane answers at gw:7070 (from SLUICE_SERVER): y"),
                    HasSubstr("sluice-controlplane --api gw:7070"), HasSubstr("--server")));
}

TEST(UnavailableText, LetsAControlPlaneThatAnswersSpeakForItself) {
  EXPECT_THAT(UnavailableText(kServer, "the control plane is stopping; connect again"),
              AllOf(HasSubstr("is stopping; connect again"), Not(HasSubstr("no control plane"))));
}

TEST(NeverConnected, IsWhatMeansThatNobodyTookTheRequest) {
  EXPECT_TRUE(NeverConnected("failed to connect to all addresses; last error: x: y"));
  EXPECT_TRUE(NeverConnected("DNS resolution failed for gw:7070: x"));
  EXPECT_FALSE(NeverConnected("Socket closed"));
  EXPECT_FALSE(NeverConnected("too many changes are waiting"));
}

TEST(NoAnswerText, NamesTheFlagThatAllowsMoreTime) {
  EXPECT_THAT(NoAnswerText(kServer, "30s"), HasSubstr("no answer within 30s (--request-timeout)"));
}

TEST(NotThisApiText, PointsAtTheOtherPort) {
  EXPECT_THAT(NotThisApiText(kServer, ""), HasSubstr("not of its --xds"));
  EXPECT_THAT(NotThisApiText(kServer, "404"), HasSubstr("It says: 404"));
}

}  // namespace
}  // namespace sluice::ctl
