#include "dataplane/phases/access_policy.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/session_from.h"

namespace sluice::dataplane::test {
namespace {

AccessRule Rule(bool allow, const std::vector<std::string>& sources) {
  AccessRule rule;
  rule.allow = allow;
  for (const std::string& source : sources) rule.sources.push_back(*Cidr::Parse(source));
  return rule;
}
AccessRule Allow(const std::vector<std::string>& sources) { return Rule(true, sources); }
AccessRule Deny(const std::vector<std::string>& sources) { return Rule(false, sources); }

std::unique_ptr<const PhaseHandler> Handler(const AccessPolicyConfig& config) {
  return MakeAccessPolicy(BuildAccessPolicy(config));
}

bool Admits(const PhaseHandler& handler, std::string_view ip) {
  SessionState session = SessionFrom(ip);
  return Passes(handler, session);
}

TEST(AccessPolicy, TheFirstRuleThatNamesTheClientDecides) {
  const auto policy = Handler({.name = "policy",
                               .default_allow = false,
                               .rules = {Deny({"10.0.0.13"}), Allow({"10.0.0.0/24"}),
                                         Deny({"10.0.0.0/8"}), Allow({"10.0.1.0/24"})}});
  EXPECT_FALSE(Admits(*policy, "10.0.0.13"));
  EXPECT_TRUE(Admits(*policy, "10.0.0.14"));
  EXPECT_FALSE(Admits(*policy, "10.0.1.1")) << "the rule after the one that decided";
}

TEST(AccessPolicy, TheDefaultActionIsForThoseNoRuleNames) {
  const AccessRule rule = Deny({"10.0.0.0/8"});
  EXPECT_TRUE(
      Admits(*Handler({.name = "open", .default_allow = true, .rules = {rule}}), "192.0.2.1"));
  EXPECT_FALSE(
      Admits(*Handler({.name = "shut", .default_allow = false, .rules = {rule}}), "192.0.2.1"));
}

TEST(AccessPolicy, ADenialClosesTheSessionAndIsCountedUnderThePolicysName) {
  const auto listener = NewListener();
  const auto policy = Handler({.name = "only-office", .default_allow = false, .rules = {}});
  SessionState session = SessionFrom("192.0.2.1");
  session.listener = listener;
  EXPECT_EQ(policy->Run(session, {}).reason(), CloseReason::kAccessDenied);
  EXPECT_EQ(session.access_policy, "only-office");
  EXPECT_EQ(listener->shared->counters[0].policy_denied.Get(), 1U);
  EXPECT_EQ(listener->shared->counters[0].policy_shadow_denied.Get(), 0U);
}

TEST(AccessPolicy, InShadowModeADenialIsNotedAndLetThrough) {
  const auto listener = NewListener();
  const auto policy = Handler({.name = "trial", .shadow = true, .rules = {Allow({"10.0.0.0/8"})}});
  SessionState denied = SessionFrom("192.0.2.1");
  denied.listener = listener;
  EXPECT_TRUE(Passes(*policy, denied));
  EXPECT_EQ(denied.access_policy, "trial");
  SessionState allowed = SessionFrom("10.1.1.1");
  allowed.listener = listener;
  EXPECT_TRUE(Passes(*policy, allowed));
  EXPECT_EQ(allowed.access_policy, "");
  EXPECT_EQ(listener->shared->counters[0].policy_shadow_denied.Get(), 1U);
  EXPECT_EQ(listener->shared->counters[0].policy_denied.Get(), 0U);
}

TEST(AccessPolicy, AmongShadowPoliciesTheFirstThatWouldDenyIsNamed) {
  const auto first = Handler({.name = "first", .shadow = true, .rules = {}});
  const auto second = Handler({.name = "second", .shadow = true, .rules = {}});
  SessionState session = SessionFrom("192.0.2.1");
  EXPECT_TRUE(Passes(*first, session));
  EXPECT_TRUE(Passes(*second, session));
  EXPECT_EQ(session.access_policy, "first");
}

TEST(AccessPolicy, AnEnforcedPolicyAfterAShadowOneIsNamedWhenItDenies) {
  const auto shadow = Handler({.name = "shadow", .shadow = true, .rules = {}});
  const auto enforced = Handler({.name = "enforced", .rules = {}});
  SessionState session = SessionFrom("192.0.2.1");
  EXPECT_TRUE(Passes(*shadow, session));
  EXPECT_FALSE(Passes(*enforced, session));
  EXPECT_EQ(session.access_policy, "enforced");
}

TEST(AccessPolicy, KnowsIpv6MappedAndUnixClients) {
  const auto policy = Handler(
      {.name = "policy", .rules = {Allow({"2001:db8::/32", "192.0.2.0/24"}), Allow({"unix:"})}});
  EXPECT_TRUE(Admits(*policy, "2001:db8::7"));
  EXPECT_FALSE(Admits(*policy, "2001:db9::7"));
  EXPECT_TRUE(Admits(*policy, "::ffff:192.0.2.7"));
  EXPECT_TRUE(Admits(*policy, "unix:"));
  EXPECT_FALSE(Admits(*Handler({.name = "ip", .rules = {Allow({"0.0.0.0/0", "::/0"})}}), "unix:"));
}

TEST(AccessPolicy, ARuleMayNameTenThousandSources) {
  std::vector<std::string> sources;
  for (int i = 0; i < 10'000; ++i) {
    sources.push_back("10." + std::to_string(i / 100) + "." + std::to_string(i % 100) + ".1");
  }
  const auto policy = Handler({.name = "policy", .rules = {Allow(sources)}});
  EXPECT_TRUE(Admits(*policy, "10.0.0.1"));
  EXPECT_TRUE(Admits(*policy, "10.57.31.1"));
  EXPECT_TRUE(Admits(*policy, "10.99.99.1"));
  EXPECT_FALSE(Admits(*policy, "10.57.31.2"));
  EXPECT_FALSE(Admits(*policy, "10.100.0.1"));
}

}  // namespace
}  // namespace sluice::dataplane::test
