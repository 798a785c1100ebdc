#include "controlplane/ctl/wait_condition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sluice/v1/upstream.pb.h"
#include "tests/unit/ctl/manifests.h"

namespace sluice::ctl {
namespace {

using ::testing::HasSubstr;

struct Facts {
  std::int64_t generation = 1;
  std::int64_t observed = 1;
  v1::Condition::State state = v1::Condition::TRUE;
};

model::Resource UpstreamWith(const Facts& facts) {
  const auto resources = FromYaml(
      "{apiVersion: sluice.dev/v1, kind: Upstream, metadata: {name: db}, spec: {endpoints: []}}");
  return With<v1::Upstream>(resources.at(0), [&](v1::Upstream& upstream) {
    upstream.mutable_metadata()->set_generation(facts.generation);
    auto& condition = *upstream.mutable_status()->add_conditions();
    condition.set_type("Synced");
    condition.set_status(facts.state);
    condition.set_observed_generation(facts.observed);
    condition.set_reason("Lagging");
    condition.set_message("1/2 data planes");
  });
}

TEST(WaitCondition, HoldsWhenTheConditionHasTheState) {
  const auto synced = ParseWaitCondition("condition=Synced").value();
  const auto yes = UpstreamWith({});
  const auto no = UpstreamWith({.state = v1::Condition::FALSE});
  EXPECT_TRUE(Holds(synced, &yes));
  EXPECT_FALSE(Holds(synced, &no));
  EXPECT_TRUE(Holds(ParseWaitCondition("condition=Synced=False").value(), &no));
  EXPECT_FALSE(Holds(ParseWaitCondition("condition=Programmed").value(), &yes));
}

TEST(WaitCondition, TakesTypeAndStateInAnyLetterCase) {
  const auto yes = UpstreamWith({});
  const auto unknown = UpstreamWith({.state = v1::Condition::UNKNOWN});
  EXPECT_TRUE(Holds(ParseWaitCondition("condition=SYNCED=TRUE").value(), &yes));
  EXPECT_TRUE(Holds(ParseWaitCondition("condition=synced=true").value(), &yes));
  EXPECT_TRUE(Holds(ParseWaitCondition("condition=synced").value(), &yes));
  EXPECT_TRUE(Holds(ParseWaitCondition("condition=sYnced=uNKNOWN").value(), &unknown));
  EXPECT_FALSE(Holds(ParseWaitCondition("condition=sync=true").value(), &yes));
}

TEST(WaitCondition, DoesNotCountWhatWasTrueOfAnOlderSpec) {
  const auto stale = UpstreamWith({.generation = 2, .observed = 1});
  EXPECT_FALSE(Holds(ParseWaitCondition("condition=Synced").value(), &stale));
}

TEST(WaitCondition, KnowsCreationAndDeletion) {
  const auto upstream = UpstreamWith({});
  EXPECT_TRUE(Holds(ParseWaitCondition("create").value(), &upstream));
  EXPECT_FALSE(Holds(ParseWaitCondition("create").value(), nullptr));
  EXPECT_TRUE(Holds(ParseWaitCondition("delete").value(), nullptr));
  EXPECT_FALSE(Holds(ParseWaitCondition("delete").value(), &upstream));
}

TEST(WaitCondition, SaysHowThingsStand) {
  const auto upstream = UpstreamWith({.state = v1::Condition::FALSE});
  EXPECT_EQ(StandText(ParseWaitCondition("condition=Synced").value(), &upstream),
            "Synced is False (Lagging): 1/2 data planes");
}

TEST(WaitCondition, RefusesEverythingElse) {
  for (const char* text : {"", "Synced", "condition=", "condition==True", "condition=A=maybe"}) {
    const auto condition = ParseWaitCondition(text);
    ASSERT_FALSE(condition) << text;
    EXPECT_THAT(condition.error().message, HasSubstr("--for must be"));
  }
}

}  // namespace
}  // namespace sluice::ctl
