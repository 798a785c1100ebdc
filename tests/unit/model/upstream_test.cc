#include <gmock/gmock.h>

#include "common/base/limits.h"
#include "tests/unit/model/from_yaml.h"

namespace sluice::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> Check(std::string_view spec) {
  return Messages(Validate(One("Upstream", spec)));
}

TEST(Upstream, MayBeEmpty) { EXPECT_THAT(Check("{}"), IsEmpty()); }

TEST(Upstream, TellsEverythingThatIsWrongAtOnce) {
  EXPECT_THAT(Check(R"({balance: {policy: HASH}, passiveHealth: {maxFails: 1001, failTimeout: 0s},
                endpoints: [{address: db1}, {weight: 0}, {address: "1.2.3.4:5", maxConnections: 0}]})"),
              ElementsAre("`spec.balance.hash.key` is required",
                          HasSubstr("`spec.endpoints[0].address` must be host:port"),
                          "`spec.endpoints[1].address` is required",
                          "`spec.endpoints[1].weight` must be 1-65535, got '0'",
                          "`spec.endpoints[2].maxConnections` must be 1-10000000, got '0'",
                          "`spec.passiveHealth.maxFails` must be 0-1000, got '1001'",
                          "`spec.passiveHealth.failTimeout` must be 1s-1h, got '0s'"));
}

TEST(Upstream, TakesHashOptionsWithHashPoliciesOnly) {
  EXPECT_THAT(Check("{balance: {policy: HASH, hash: {key: $remote_addr}}}"), IsEmpty());
  EXPECT_THAT(Check("{balance: {policy: RING_HASH, hash: {key: '${remote_addr}:x'}}}"), IsEmpty());
  EXPECT_THAT(
      Check("{balance: {policy: RANDOM, hash: {key: $remote_addr}}}"),
      ElementsAre(
          "`spec.balance.hash` is for policies HASH and RING_HASH only, got policy 'RANDOM'"));
  EXPECT_THAT(Check("{balance: {policy: HASH, hash: {key: remote_addr}}}"),
              ElementsAre(HasSubstr("at least one variable")));
}

TEST(Upstream, TakesBackupsOnlyWherePoliciesKnowThem) {
  for (const char* policy : {"ROUND_ROBIN", "LEAST_CONNECTIONS"}) {
    EXPECT_THAT(Check("{balance: {policy: " + std::string(policy) +
                      "}, endpoints: [{address: '1.2.3.4:5', backup: true}]}"),
                IsEmpty());
  }
  for (const char* policy : {"RANDOM", "IP_HASH"}) {
    EXPECT_THAT(
        Check("{balance: {policy: " + std::string(policy) +
              "}, endpoints: [{address: '1.2.3.4:5', backup: true}]}"),
        ElementsAre(HasSubstr("`spec.endpoints[0].backup` must not be true with balance policy " +
                              std::string(policy))));
  }
}

TEST(Upstream, TakesAnAddressOnceHoweverItIsWritten) {
  EXPECT_THAT(Check("{endpoints: [{address: '[::1]:5'}, {address: '[0:0::1]:5'}]}"),
              ElementsAre(HasSubstr("again after `spec.endpoints[0]`")));
}

TEST(Upstream, HasBoundsOnTheNumberOfEndpoints) {
  std::string list;
  for (int i = 0; i < 1001; ++i)
    list += "{address: '10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ":1'}, ";
  EXPECT_THAT(Check("{endpoints: [" + list + "]}"),
              ElementsAre("`spec.endpoints` must have at most 1000 entries, got 1001"));
}

TEST(Upstream, ReportsEveryViolationUpToABound) {
  std::string list;
  for (int i = 0; i < 1000; ++i) list += "{}, ";
  EXPECT_EQ(Check("{endpoints: [" + list + "]}").size(), 1000U);
  for (int i = 0; i < 20'000; ++i) list += "{}, ";
  EXPECT_EQ(Check("{endpoints: [" + list + "]}").size(), limits::kViolationsCounted);
}

TEST(EndpointSlice, NeedsAnUpstreamAndHasItsOwnBound) {
  std::string list;
  for (int i = 0; i < 101; ++i) list += "{address: '10.0.0." + std::to_string(i) + ":1'}, ";
  EXPECT_THAT(Messages(Validate(One("EndpointSlice", "{endpoints: [" + list + "]}"))),
              ElementsAre("`spec.upstream` is required",
                          "`spec.endpoints` must have at most 100 entries, got 101"));
}

TEST(AccessPolicy, NeedsActionsAndSources) {
  EXPECT_THAT(
      Messages(
          Validate(One("AccessPolicy", "{rules: [{sources: ['10.1.2.3/8']}, {action: ALLOW}]}"))),
      ElementsAre("`spec.defaultAction` is required: ALLOW or DENY",
                  "`spec.rules[0].action` is required: ALLOW or DENY",
                  HasSubstr("`spec.rules[0].sources[0]` must have no bits set beyond its prefix"),
                  "`spec.rules[1].sources` must have 1-10000 entries, got 0"));
}

}  // namespace
}  // namespace sluice::model
