#include <gmock/gmock.h>

#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/support/sample_resources.h"
#include "tests/unit/model/from_yaml.h"

namespace sluice::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ResourceSet SetOf(const std::vector<Resource>& resources) {
  return ResourceSet().With(test::AsChanges(resources));
}

std::vector<std::string> Texts(const std::vector<ObjectViolation>& violations) {
  std::vector<std::string> texts;
  for (const auto& found : violations)
    texts.push_back(found.object.Text() + ": " + found.violation.message);
  return texts;
}

// All of them, as if they were all new.
std::vector<std::string> Check(const std::vector<Resource>& resources) {
  std::vector<ResourceKey> keys;
  for (const Resource& resource : resources) keys.push_back(resource.key());
  return Texts(ValidateRelations(SetOf(resources), keys));
}

Resource Named(std::string_view kind, std::string_view name, std::string_view spec) {
  return One(kind, spec, "{name: " + std::string(name) + "}");
}
Resource ListenerAt(std::string_view name, std::string_view address, std::string_view more = "") {
  return Named("Listener", name,
               "{address: '" + std::string(address) + "', routes: [{proxy: {upstream: u}}], " +
                   std::string(more) + "}");
}
const Resource kUpstream = Named("Upstream", "u", "{endpoints: [{address: '10.0.0.1:1'}]}");

TEST(Relations, NeedEveryReferenceToExist) {
  EXPECT_THAT(Check({kUpstream, ListenerAt("l", "0.0.0.0:1")}), IsEmpty());
  EXPECT_THAT(Check({ListenerAt("l", "0.0.0.0:1", "accessPolicies: [p]")}),
              ElementsAre("listener/l: `spec.accessPolicies[0]` must name an existing AccessPolicy "
                          "of namespace 'default', got 'p'",
                          "listener/l: `spec.routes[0].proxy.upstream` must name an existing "
                          "Upstream of namespace 'default', got 'u'"));
}

TEST(Relations, NeverLeaveANamespace) {
  const Resource other = One("Upstream", "{}", "{name: u, namespace: other}");
  EXPECT_THAT(Check({other, ListenerAt("l", "0.0.0.0:1")}),
              ElementsAre(HasSubstr("of namespace 'default'")));
}

TEST(Relations, NoticeThatSomethingDeletedIsStillNamed) {
  const auto violations =
      ValidateRelations(SetOf({ListenerAt("l", "0.0.0.0:1")}), {kUpstream.key()});
  ASSERT_EQ(violations.size(), 1U);
  EXPECT_EQ(violations[0].object.Text(), "listener/l");
  EXPECT_EQ(violations[0].missing, kUpstream.key());
}

TEST(Relations, LookOnlyAtWhatTheChangeTouches) {
  EXPECT_THAT(Texts(ValidateRelations(SetOf({ListenerAt("l", "0.0.0.0:1")}), {})), IsEmpty());
}

TEST(Relations, KnowEveryVariableThatATextNames) {
  EXPECT_THAT(
      Check({kUpstream,
             ListenerAt("l", "0.0.0.0:1",
                        "limits: {perKey: [{key: $pid, connections: 1}, {key: $status, "
                        "connections: 1}]}, accessLog: [{to: stderr}, {to: stdout, format: "
                        "'$status $nope $neither'}]"),
             Named("Upstream", "hashed", "{balance: {policy: HASH, hash: {key: $remote_adr}}}")}),
      ElementsAre("upstream/hashed: `spec.balance.hash.key` must name only known variables, got "
                  "'$remote_adr', did you mean '$remote_addr'",
                  "listener/l: `spec.limits.perKey[1].key` must name only variables that are known "
                  "when a session is accepted, got '$status'",
                  "listener/l: `spec.accessLog[1].format` must name only known variables, got "
                  "'$nope'"));
}

TEST(Listeners, MayNotShareAnAddressOnOneNode) {
  EXPECT_THAT(Check({kUpstream, ListenerAt("a", "0.0.0.0:1"), ListenerAt("b", "0.0.0.0:1")}),
              ElementsAre(HasSubstr("listener/b: `spec.address` must be free on every data plane, "
                                    "got TCP '0.0.0.0:1' that listener/a has too")));
  EXPECT_THAT(Check({kUpstream, ListenerAt("a", "[::1]:1"), ListenerAt("b", "[0::1]:1")}),
              ElementsAre(HasSubstr("listener/a has too")));
}

TEST(Listeners, AreToldOnceHoweverManyShareTheirAddress) {
  EXPECT_THAT(Check({kUpstream, ListenerAt("a", "0.0.0.0:1"), ListenerAt("b", "0.0.0.0:1"),
                     ListenerAt("c", "0.0.0.0:1"), ListenerAt("d", "0.0.0.0:1")}),
              ElementsAre(HasSubstr("listener/b: `spec.address` must be free"),
                          HasSubstr("listener/c: `spec.address` must be free"),
                          HasSubstr("listener/d: `spec.address` must be free")));
}

TEST(Listeners, MayShareAnAddressAcrossProtocolsWildcardsAndNodes) {
  EXPECT_THAT(
      Check({kUpstream, ListenerAt("a", "0.0.0.0:1"), ListenerAt("b", "0.0.0.0:1", "protocol: UDP"),
             ListenerAt("c", "127.0.0.1:1"), ListenerAt("d", "0.0.0.0:2")}),
      IsEmpty());
  EXPECT_THAT(Check({kUpstream, ListenerAt("a", "0.0.0.0:1", "nodeSelector: {role: x}"),
                     ListenerAt("b", "0.0.0.0:1", "nodeSelector: {role: y}")}),
              IsEmpty());
  EXPECT_THAT(Check({kUpstream, ListenerAt("a", "0.0.0.0:1", "nodeSelector: {role: x}"),
                     ListenerAt("b", "0.0.0.0:1", "nodeSelector: {zone: y}")}),
              ElementsAre(HasSubstr("listener/b")));
}

TEST(Listeners, TellTheOneThatChanged) {
  const ResourceSet set =
      SetOf({kUpstream, ListenerAt("a", "0.0.0.0:1"), ListenerAt("b", "0.0.0.0:1")});
  EXPECT_THAT(Texts(ValidateRelations(set, {ListenerAt("a", "0.0.0.0:1").key()})),
              ElementsAre(HasSubstr("listener/a: ")));
}

TEST(Listeners, ConflictAcrossNamespaces) {
  const Resource other = One("Listener", "{address: '0.0.0.0:1', routes: [{proxy: {upstream: u}}]}",
                             "{name: l, namespace: other}");
  const Resource other_upstream = One("Upstream", "{}", "{name: u, namespace: other}");
  EXPECT_THAT(Check({kUpstream, other_upstream, ListenerAt("a", "0.0.0.0:1"), other}),
              ElementsAre(HasSubstr("listener/other/l")));
}

TEST(Endpoints, AreOnceInAnUpstreamSlicesIncluded) {
  const Resource slice =
      Named("EndpointSlice", "s", "{upstream: u, endpoints: [{address: '10.0.0.1:1'}]}");
  EXPECT_THAT(Check({kUpstream, slice}),
              ElementsAre("endpointslice/s: `spec.endpoints[0].address` must be once in "
                          "upstream/u, got '10.0.0.1:1' that upstream/u has too"));
  EXPECT_THAT(Texts(ValidateRelations(SetOf({kUpstream, slice}), {kUpstream.key()})),
              ElementsAre(HasSubstr("upstream/u: ")));
}

TEST(Endpoints, AreAtMostTenThousandInAnUpstream) {
  std::vector<Resource> resources{Named("Upstream", "u", "{}")};
  for (int i = 0; i < 101; ++i) {
    std::string list;
    for (int j = 0; j < 100; ++j)
      list += "{address: '10.0." + std::to_string(i) + "." + std::to_string(j) + ":1'}, ";
    resources.push_back(Named("EndpointSlice", "s" + std::to_string(i),
                              "{upstream: u, endpoints: [" + list + "]}"));
  }
  EXPECT_THAT(Check(resources),
              ElementsAre(HasSubstr("at most 10000 endpoints, slices included, got 10100")));
  resources.pop_back();
  EXPECT_THAT(Check(resources), IsEmpty());
}

TEST(Endpoints, OfASliceMayBeBackupsOnlyIfThePolicyKnowsThem) {
  const Resource hashed = Named("Upstream", "u", "{balance: {policy: IP_HASH}}");
  const Resource slice = Named("EndpointSlice", "s",
                               "{upstream: u, endpoints: [{address: '10.0.0.1:1', backup: true}]}");
  EXPECT_THAT(Check({hashed, slice}),
              ElementsAre(HasSubstr("endpointslice/s: `spec.endpoints[0].backup` must not be true "
                                    "with balance policy IP_HASH")));
  EXPECT_THAT(Texts(ValidateRelations(SetOf({hashed, slice}), {hashed.key()})),
              ElementsAre(HasSubstr("upstream/u: `spec.balance.policy`")));
}

TEST(Endpoints, OnUnixSocketsAreNotForUdpListeners) {
  const Resource on_unix = Named("Upstream", "u", "{endpoints: [{address: 'unix:/a'}]}");
  const Resource udp = ListenerAt("l", "0.0.0.0:1", "protocol: UDP");
  EXPECT_THAT(Check({on_unix, ListenerAt("l", "0.0.0.0:1")}), IsEmpty());
  EXPECT_THAT(Check({on_unix, udp}),
              ElementsAre(HasSubstr("listener/l: `spec.routes[0].proxy.upstream` must name an "
                                    "Upstream without unix sockets")));
  EXPECT_THAT(Texts(ValidateRelations(SetOf({on_unix, udp}), {on_unix.key()})),
              ElementsAre(HasSubstr("upstream/u: `spec.endpoints[0].address` must be host:port "
                                    "because listener/l is for UDP")));
}

TEST(Selects, NeedsEveryLabelOfTheSelector) {
  google::protobuf::Map<std::string, std::string> selector;
  EXPECT_TRUE(Selects(selector, {}));
  selector["role"] = "gateway";
  EXPECT_FALSE(Selects(selector, {}));
  EXPECT_FALSE(Selects(selector, {{"role", "other"}}));
  EXPECT_TRUE(Selects(selector, {{"role", "gateway"}, {"zone", "a"}}));
}

// Whatever the order of changes, looking at what changed finds what looking at the upstream as a
// whole finds.
TEST(Relations, OfAChangedSliceAreThoseOfItsUpstreamAsAWhole) {
  std::mt19937 random(7);
  const auto next = [&](std::uint32_t below) {
    return static_cast<std::uint32_t>(random()) % below;
  };
  ResourceSet set = SetOf({kUpstream, Named("Upstream", "hashed",
                                            "{balance: {policy: IP_HASH}, endpoints: [{address: "
                                            "'10.0.0.2:1'}]}")});
  std::size_t refused = 0;
  for (int step = 0; step < 600; ++step) {
    std::string endpoints;
    std::set<std::uint32_t> ports;
    for (std::uint32_t i = 0; i < 1 + next(3); ++i) {
      const std::uint32_t port = 1 + next(30);
      if (!ports.insert(port).second) continue;
      endpoints += "{address: '10.0.0.1:" + std::to_string(port) + "'" +
                   (next(12) == 0 ? ", backup: true}, " : "}, ");
    }
    const std::string upstream = next(3) == 0 ? "hashed" : "u";
    const Resource slice = Named("EndpointSlice", "s" + std::to_string(next(6)),
                                 "{upstream: " + upstream + ", endpoints: [" + endpoints + "]}");
    const ResourceKey key{FindKind("Upstream"), "default", upstream};
    const ResourceSet after =
        next(5) == 0 ? set.With({{slice.key(), nullptr}}) : set.With(test::AsChanges({slice}));
    const auto found = Texts(ValidateRelations(after, {slice.key()}));
    auto whole = Texts(ValidateRelations(after, {slice.key(), key}));
    ASSERT_EQ(found.empty(), whole.empty()) << "step " << step;
    if (found.empty()) {
      set = after;
    } else {
      ++refused;
    }
  }
  EXPECT_GT(refused, 50U);
  EXPECT_LT(refused, 550U);
}

}  // namespace
}  // namespace sluice::model
