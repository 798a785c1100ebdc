#include "dataplane/compile/compiler.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "common/base/limits.h"
#include "dataplane/serve/phase_run.h"
#include "sluice/v1/access_policy.pb.h"
#include "sluice/v1/data_plane.pb.h"
#include "sluice/v1/endpoint_slice.pb.h"
#include "sluice/v1/listener.pb.h"
#include "sluice/v1/upstream.pb.h"
#include "tests/unit/compile/resources.h"

namespace sluice::dataplane {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

ResourceUpdate UpstreamAt(const std::string& name, const std::string& address) {
  return Update<v1::Upstream>(name, "endpoints { address: '" + address + "' }");
}
ResourceUpdate SliceAt(const std::string& name, const std::string& upstream,
                       const std::string& address) {
  return Update<v1::EndpointSlice>(
      name, "upstream: '" + upstream + "' endpoints { address: '" + address + "' }");
}
ResourceUpdate ListenerAt(const std::string& name, const std::string& address,
                          const std::string& upstream, const std::string& more = "") {
  return Update<v1::Listener>(
      name, "address: '" + address + "' routes { proxy { upstream: '" + upstream + "' } } " + more);
}
ResourceUpdate Policy(const std::string& name, const std::string& action) {
  return Update<v1::AccessPolicy>(name, "default_action: " + action);
}

class CompilerTest : public ::testing::Test {
 protected:
  const ListenerConfig* Find(const std::string& listener) {
    for (const auto& config : *config_->listeners) {
      if (config->name == listener) return config.get();
    }
    return nullptr;
  }
  std::vector<std::string> EndpointsOf(const std::string& listener) {
    std::vector<std::string> all;
    if (const ListenerConfig* config = Find(listener)) {
      for (const auto& upstream : config->upstreams) {
        const UpstreamConfig& form = *config_->upstreams.at(upstream->slot);
        for (const auto& endpoint : form.balancer->endpoints()) all.push_back(endpoint.text);
      }
    }
    return all;
  }
  // What new sessions of the listener's only route find.
  const UpstreamConfig& UpstreamOf(const std::string& listener) {
    return *config_->upstreams.at(Find(listener)->upstreams.at(0)->slot);
  }
  // Of the first listener.
  SessionState NewSession() {
    SessionState session;
    session.listener = config_->listeners->at(0);
    return session;
  }
  static CloseReason RunPhases(SessionState& session) {
    PhaseRun run;
    run.Continue(session.listener->phases, session, {});
    return run.reason();
  }
  void Compile(const ResourceUpdates& updates) { config_ = compiler_->Compile(updates); }
  // `Kind/name reason` of each.
  std::vector<std::string> Problems() {
    std::vector<std::string> all;
    for (const auto& problem : compiler_->Problems()) {
      all.push_back(problem.kind() + " " + problem.name() + " " + problem.reason());
    }
    return all;
  }

  FakeLogWriter logs_;
  std::unique_ptr<Compiler> MakeCompiler() {
    return std::make_unique<Compiler>(
        Compiler::Settings{{{"role", "gateway"}}, 2, {&logs_, "off"}, rings_, sockets_});
  }
  RingRoom::Bounds rings_;
  AllowedFolders sockets_ = AllowedFolders::Everywhere();
  std::unique_ptr<Compiler> compiler_ = MakeCompiler();
  std::shared_ptr<const RuntimeConfig> config_;
};

TEST_F(CompilerTest, AListenerGetsTheEndpointsOfItsUpstreamAndItsSlicesByName) {
  Compile({SliceAt("web-2", "web", "127.0.0.1:3"), SliceAt("web-1", "web", "127.0.0.1:2"),
           UpstreamAt("web", "127.0.0.1:1"), ListenerAt("front", "127.0.0.1:80", "web")});
  EXPECT_THAT(EndpointsOf("front"), ElementsAre("127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"));
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(CompilerTest, AChangedSliceLeavesTheOthersAsTheyWere) {
  Compile({SliceAt("web-1", "web", "127.0.0.1:2"), SliceAt("web-2", "web", "127.0.0.1:3"),
           UpstreamAt("web", "127.0.0.1:1"), ListenerAt("front", "127.0.0.1:80", "web")});
  Compile({SliceAt("web-1", "web", "127.0.0.1:9")});
  EXPECT_THAT(EndpointsOf("front"), ElementsAre("127.0.0.1:1", "127.0.0.1:9", "127.0.0.1:3"));
  Compile({UpstreamAt("web", "127.0.0.1:8")});
  EXPECT_THAT(EndpointsOf("front"), ElementsAre("127.0.0.1:8", "127.0.0.1:9", "127.0.0.1:3"));
  // It goes over to another upstream.
  Compile({UpstreamAt("api", "127.0.0.1:7"), SliceAt("web-2", "api", "127.0.0.1:3"),
           ListenerAt("other", "127.0.0.1:81", "api")});
  EXPECT_THAT(EndpointsOf("front"), ElementsAre("127.0.0.1:8", "127.0.0.1:9"));
  EXPECT_THAT(EndpointsOf("other"), ElementsAre("127.0.0.1:7", "127.0.0.1:3"));
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(CompilerTest, EverySettingOfAListenerReachesItsConfig) {
  Compile({UpstreamAt("web", "127.0.0.1:1"), ListenerAt("front", "127.0.0.1:80", "web", R"(
             socket { backlog: 17 receive_buffer: 8192 keepalive { idle { seconds: 30 } } }
             timeouts { connect { nanos: 250000000 } half_closed {} session { seconds: 9 } }
             retry { attempts: 5 timeout { seconds: 3 } })")});
  const ListenerConfig& front = *Find("front");
  EXPECT_EQ(front.socket.backlog, 17);
  EXPECT_EQ(front.socket.receive_buffer, 8192);
  EXPECT_EQ(front.socket.keepalive, (SocketSettings::Keepalive{30, 10, 6}));
  EXPECT_EQ(front.tcp.connect_timeout, std::chrono::milliseconds(250));
  EXPECT_EQ(front.tcp.idle_timeout, std::chrono::minutes(10));
  EXPECT_EQ(front.tcp.half_closed_timeout, std::chrono::minutes(10));
  EXPECT_EQ(front.tcp.session_timeout, std::chrono::seconds(9));
  EXPECT_EQ(front.tcp.attempts, 5U);
  EXPECT_EQ(front.tcp.retry_timeout, std::chrono::seconds(3));
}

TEST_F(CompilerTest, AnUpstreamIsBalancedByItsPolicy) {
  Compile({Update<v1::Upstream>("web", R"(
             balance { policy: LEAST_CONNECTIONS }
             endpoints { address: '127.0.0.1:1' }
             endpoints { address: '127.0.0.1:2' })"),
           ListenerAt("front", "127.0.0.1:80", "web")});
  const Balancer& balancer = *UpstreamOf("front").balancer;
  balancer.endpoints()[0].state->open += 5;
  SmoothWeights memory = balancer.NewMemory(nullptr);
  for (int i = 0; i < 3; ++i) {
    Tries tries;
    EXPECT_EQ(balancer.Pick({}, memory, tries), 1U);
  }
}

TEST_F(CompilerTest, EverySettingOfAnUpstreamReachesItsConfig) {
  Compile({Update<v1::Upstream>("web", R"(
             balance { policy: LEAST_CONNECTIONS }
             passive_health { max_fails: 4 fail_timeout { seconds: 7 } }
             endpoints { address: '127.0.0.1:1' weight: 3 max_connections: 9 }
             endpoints { address: '127.0.0.1:2' backup: true drain: true })"),
           ListenerAt("front", "127.0.0.1:80", "web")});
  const UpstreamConfig& web = UpstreamOf("front");
  EXPECT_EQ(web.health.max_fails, 4U);
  EXPECT_EQ(web.health.fail_timeout_s, 7);
  EXPECT_EQ(web.balancer->endpoints()[0].weight, 3U);
  EXPECT_EQ(web.balancer->endpoints()[0].max_connections, 9U);
  EXPECT_TRUE(web.balancer->endpoints()[1].backup);
  EXPECT_TRUE(web.balancer->endpoints()[1].drain);
}

TEST_F(CompilerTest, AChangeOfOneEndpointMakesOneUpstreamAnewAndNothingElse) {
  constexpr int kListeners = 1000;
  ResourceUpdates updates = {UpstreamAt("a", "127.0.0.1:1"), UpstreamAt("b", "127.0.0.1:2")};
  for (int i = 0; i < kListeners; ++i) {
    const std::string number = std::to_string(i);
    updates.push_back(ListenerAt("l" + number, "127.0.0.1:" + std::to_string(10'000 + i), "a",
                                 "access_log { to: 'stdout' }"));
  }
  Compile(updates);
  const auto before = config_;
  const std::size_t logs_opened = logs_.opened;
  Compile({UpstreamAt("a", "127.0.0.1:3")});
  EXPECT_NE(config_, before);
  EXPECT_EQ(config_->listeners, before->listeners) << "no listener is compiled again";
  EXPECT_EQ(logs_.opened, logs_opened);
  std::size_t changed = 0;
  for (std::size_t slot = 0; slot < config_->upstreams.size(); ++slot) {
    if (config_->upstreams[slot] != before->upstreams[slot]) ++changed;
  }
  EXPECT_EQ(changed, 1U);
  EXPECT_THAT(EndpointsOf("l0"), ElementsAre("127.0.0.1:3"));
  EXPECT_THAT(EndpointsOf("l999"), ElementsAre("127.0.0.1:3"));
}

TEST_F(CompilerTest, NothingToChangeIsTheSameConfig) {
  Compile({UpstreamAt("a", "127.0.0.1:1"), ListenerAt("la", "127.0.0.1:80", "a")});
  const auto before = config_;
  Compile({});
  EXPECT_EQ(config_, before);
}

TEST_F(CompilerTest, AnObjectOfAKindThatThePlaneDoesNotServeIsRefusedAloud) {
  auto message = std::make_unique<v1::DataPlane>();
  message->mutable_metadata()->set_name("node");
  const auto resource =
      std::make_shared<const model::Resource>(model::Resource::FromMessage(std::move(message)));
  const ResourceUpdate node{resource->key(), {resource, resource->version()}};
  Compile({node, UpstreamAt("a", "127.0.0.1:1"), ListenerAt("la", "127.0.0.1:80", "a")});
  EXPECT_THAT(Problems(), ElementsAre("DataPlane default/node UnknownKind"));
  EXPECT_NE(Find("la"), nullptr);
  Compile({Gone(node)});
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(CompilerTest, WhatIsKnownOfAnEndpointSurvivesAChangeOfItsUpstream) {
  Compile({UpstreamAt("a", "127.0.0.1:1"), ListenerAt("la", "127.0.0.1:80", "a")});
  const auto state = UpstreamOf("la").balancer->endpoints()[0].state;
  const auto shared = UpstreamOf("la").shared;
  const auto listener_shared = Find("la")->shared;
  Compile({Update<v1::Upstream>(
      "a", "endpoints { address: '127.0.0.1:2' } endpoints { address: '127.0.0.1:1' weight: 5 }")});
  EXPECT_EQ(UpstreamOf("la").balancer->endpoints()[1].state, state);
  EXPECT_EQ(UpstreamOf("la").shared, shared);
  EXPECT_EQ(Find("la")->shared, listener_shared);
}

TEST_F(CompilerTest, AListenerWaitsForAMissingUpstreamAndGoesLiveWhenItComes) {
  Compile({ListenerAt("la", "127.0.0.1:80", "a")});
  EXPECT_EQ(Find("la"), nullptr);
  EXPECT_THAT(Problems(), ElementsAre("Listener default/la RefNotFound"));
  EXPECT_EQ(compiler_->Problems()[0].field(), "spec.routes[0].proxy.upstream");
  Compile({UpstreamAt("a", "127.0.0.1:1")});
  EXPECT_THAT(EndpointsOf("la"), ElementsAre("127.0.0.1:1"));
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(CompilerTest, AListenerThatWantsAMissingUpstreamKeepsItsOldFormWhichFollowsItsUpstream) {
  Compile({UpstreamAt("a", "127.0.0.1:1"), ListenerAt("la", "127.0.0.1:80", "a")});
  Compile({ListenerAt("la", "127.0.0.1:81", "missing")});
  EXPECT_EQ(Find("la")->address.port(), 80);
  EXPECT_THAT(Problems(), ElementsAre("Listener default/la RefNotFound"));
  Compile({UpstreamAt("a", "127.0.0.1:2")});
  EXPECT_THAT(EndpointsOf("la"), ElementsAre("127.0.0.1:2"));
  Compile({UpstreamAt("missing", "127.0.0.1:3")});
  EXPECT_EQ(Find("la")->address.port(), 81);
  EXPECT_THAT(EndpointsOf("la"), ElementsAre("127.0.0.1:3"));
}

TEST_F(CompilerTest, TheOldFormKeepsWhatItDependsOnEvenWhenThatIsRemoved) {
  const auto a = UpstreamAt("a", "127.0.0.1:1");
  const auto slice = SliceAt("a-1", "a", "127.0.0.1:2");
  Compile({a, slice, ListenerAt("la", "127.0.0.1:80", "a")});
  Compile({Gone(a), Gone(slice), ListenerAt("la", "127.0.0.1:80", "missing")});
  EXPECT_THAT(EndpointsOf("la"), ElementsAre("127.0.0.1:1", "127.0.0.1:2"));
  EXPECT_THAT(Problems(),
              ElementsAre("Upstream default/a StillReferenced", "Listener default/la RefNotFound"));
}

TEST_F(CompilerTest, ARemovedUpstreamStaysUntilNoListenerRefersToIt) {
  const auto a = UpstreamAt("a", "127.0.0.1:1");
  const auto la = ListenerAt("la", "127.0.0.1:80", "a");
  Compile({a, la});
  Compile({Gone(a)});
  EXPECT_THAT(EndpointsOf("la"), ElementsAre("127.0.0.1:1"));
  EXPECT_THAT(Problems(), ElementsAre("Upstream default/a StillReferenced"));
  Compile({UpstreamAt("b", "127.0.0.1:2"), ListenerAt("la", "127.0.0.1:80", "b")});
  EXPECT_THAT(EndpointsOf("la"), ElementsAre("127.0.0.1:2"));
  EXPECT_THAT(Problems(), IsEmpty());
  Compile({la});
  EXPECT_THAT(EndpointsOf("la"), ElementsAre("127.0.0.1:2")) << "upstream a is gone by now";
}

TEST_F(CompilerTest, ARemovedPolicyStaysInForceWhileAListenerNamesIt) {
  const auto policy = Policy("deny", "DENY");
  Compile({policy, UpstreamAt("a", "127.0.0.1:1"),
           ListenerAt("la", "127.0.0.1:80", "a", "access_policies: 'deny'")});
  Compile({Gone(policy)});
  ASSERT_NE(Find("la"), nullptr);
  SessionState session = NewSession();
  EXPECT_EQ(RunPhases(session), CloseReason::kAccessDenied);
  EXPECT_THAT(Problems(), ElementsAre("AccessPolicy default/deny StillReferenced"));
}

TEST_F(CompilerTest, AChangedPolicyReachesTheListenersThatNameIt) {
  Compile({Policy("p", "DENY"), UpstreamAt("a", "127.0.0.1:1"),
           ListenerAt("la", "127.0.0.1:80", "a", "access_policies: 'p'")});
  Compile({Policy("p", "ALLOW")});
  SessionState session = NewSession();
  EXPECT_EQ(RunPhases(session), CloseReason::kOpen);
  EXPECT_EQ(session.route, 0U);
}

TEST_F(CompilerTest, AnEndpointThatIsTwiceInAnUpstreamRefusesItByNameAndTheLastGoodFormStays) {
  Compile({UpstreamAt("a", "127.0.0.1:1"), ListenerAt("la", "127.0.0.1:80", "a")});
  const auto slice = SliceAt("a-1", "a", "127.0.0.1:1");
  Compile({slice, UpstreamAt("b", "127.0.0.1:2"), ListenerAt("lb", "127.0.0.1:81", "b")});
  EXPECT_THAT(EndpointsOf("la"), ElementsAre("127.0.0.1:1"));
  EXPECT_THAT(EndpointsOf("lb"), ElementsAre("127.0.0.1:2"));
  EXPECT_THAT(Problems(), ElementsAre("EndpointSlice default/a-1 DuplicateEndpoint"));
  EXPECT_EQ(compiler_->Problems()[0].state(), v1::ResourceProblem::REFUSED);
  Compile({Gone(slice)});
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(CompilerTest, ASliceWaitsForItsUpstream) {
  Compile({SliceAt("a-1", "a", "127.0.0.1:1")});
  EXPECT_THAT(Problems(), ElementsAre("EndpointSlice default/a-1 RefNotFound"));
  Compile({Update<v1::Upstream>("a", ""), ListenerAt("la", "127.0.0.1:80", "a")});
  EXPECT_THAT(EndpointsOf("la"), ElementsAre("127.0.0.1:1"));
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(CompilerTest, AUnixEndpointBehindAUdpListenerRefusesTheListener) {
  Compile({UpstreamAt("a", "unix:/run/a.sock"),
           ListenerAt("la", "127.0.0.1:53", "a", "protocol: UDP")});
  EXPECT_EQ(Find("la"), nullptr);
  EXPECT_THAT(Problems(), ElementsAre("Listener default/la Invalid"));
  Compile({UpstreamAt("a", "127.0.0.1:1")});
  EXPECT_NE(Find("la"), nullptr);
  EXPECT_THAT(Problems(), IsEmpty());
  Compile({UpstreamAt("a", "unix:/run/a.sock")});
  EXPECT_THAT(Problems(), ElementsAre("Listener default/la Invalid"));
}

TEST_F(CompilerTest, OfTwoListenersOnOneAddressTheOneThatWasThereFirstStays) {
  Compile({UpstreamAt("a", "127.0.0.1:1"), ListenerAt("second", "127.0.0.1:80", "a")});
  const auto first = ListenerAt("first", "127.0.0.1:80", "a");
  Compile({first, ListenerAt("dns", "127.0.0.1:80", "a", "protocol: UDP")});
  EXPECT_EQ(Find("first"), nullptr);
  EXPECT_NE(Find("second"), nullptr);
  EXPECT_NE(Find("dns"), nullptr) << "another protocol is another address";
  EXPECT_THAT(Problems(), ElementsAre("Listener default/first AddressConflict"));
  Compile({ListenerAt("second", "127.0.0.1:81", "a")});
  EXPECT_NE(Find("first"), nullptr);
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(CompilerTest, TwoListenersCanExchangeTheirAddresses) {
  Compile({UpstreamAt("a", "127.0.0.1:1"), ListenerAt("x", "127.0.0.1:80", "a"),
           ListenerAt("y", "127.0.0.1:81", "a")});
  Compile({ListenerAt("x", "127.0.0.1:81", "a"), ListenerAt("y", "127.0.0.1:80", "a")});
  EXPECT_EQ(Find("x")->address.port(), 81);
  EXPECT_EQ(Find("y")->address.port(), 80);
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(CompilerTest, AListenerThatMovesOntoATakenAddressKeepsItsOwn) {
  Compile({UpstreamAt("a", "127.0.0.1:1"), ListenerAt("x", "127.0.0.1:80", "a"),
           ListenerAt("y", "127.0.0.1:81", "a")});
  Compile({ListenerAt("x", "127.0.0.1:81", "a")});
  EXPECT_EQ(Find("x")->address.port(), 80);
  EXPECT_EQ(Find("y")->address.port(), 81);
  EXPECT_THAT(Problems(), ElementsAre("Listener default/x AddressConflict"));
}

TEST_F(CompilerTest, AListenerThatKeepsItsAddressAsAnotherHasTheNewOneStillFollowsItsPolicies) {
  Compile({UpstreamAt("a", "127.0.0.1:1"), Policy("who", "ALLOW"),
           ListenerAt("x", "127.0.0.1:80", "a", "access_policies: 'who'"),
           ListenerAt("y", "127.0.0.1:81", "a")});
  const auto before = Find("x");
  Compile({ListenerAt("x", "127.0.0.1:81", "a", "access_policies: 'who'"), Policy("who", "DENY")});
  EXPECT_EQ(Find("x")->address.port(), 80);
  EXPECT_NE(Find("x"), before) << "who is denied now is denied at the old address too";
  EXPECT_THAT(Problems(), ElementsAre("Listener default/x AddressConflict"));
}

TEST_F(CompilerTest, AListenerTooManyWaitsUntilAnotherHasGone) {
  ResourceUpdates updates{UpstreamAt("web", "127.0.0.1:1")};
  for (std::size_t i = 0; i < limits::kListeners; ++i) {
    updates.push_back(ListenerAt(fmt::format("l{}", i), fmt::format("unix:/run/{}", i), "web"));
  }
  Compile(updates);
  EXPECT_THAT(Problems(), IsEmpty());
  Compile({ListenerAt("one-more", "127.0.0.1:80", "web")});
  EXPECT_EQ(config_->listeners->size(), limits::kListeners);
  EXPECT_THAT(Problems(), ElementsAre("Listener default/one-more TooManyListeners"));
  Compile({ListenerAt("l7", "127.0.0.1:81", "web")});
  EXPECT_EQ(config_->listeners->size(), limits::kListeners) << "those in force can change";
  Compile({Gone(ListenerAt("l7", "127.0.0.1:81", "web"))});
  EXPECT_EQ(config_->listeners->size(), limits::kListeners);
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(CompilerTest, AListenerForOtherNodesIsNotServed) {
  Compile(
      {UpstreamAt("a", "127.0.0.1:1"),
       ListenerAt("mine", "127.0.0.1:80", "a", "node_selector { key: 'role' value: 'gateway' }"),
       ListenerAt("other", "127.0.0.1:81", "a", "node_selector { key: 'role' value: 'edge' }")});
  EXPECT_NE(Find("mine"), nullptr);
  EXPECT_EQ(Find("other"), nullptr);
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(CompilerTest, AListenerWhoseLogCannotBeOpenedIsNamed) {
  Compile({UpstreamAt("a", "127.0.0.1:1"),
           ListenerAt("la", "127.0.0.1:80", "a", "access_log { to: '/absent/log' }")});
  EXPECT_EQ(Find("la"), nullptr);
  EXPECT_THAT(Problems(), ElementsAre("Listener default/la AccessLogUnavailable"));
  EXPECT_EQ(compiler_->Problems()[0].field(), "spec.accessLog[0].to");
}

TEST_F(CompilerTest, AListenerWhoseLogCannotBeOpenedIsServedOnceItCan) {
  Compile({UpstreamAt("a", "127.0.0.1:1"), ListenerAt("la", "127.0.0.1:80", "a")});
  Compile({ListenerAt("la", "127.0.0.1:81", "a", "access_log { to: '/absent/log' }")});
  EXPECT_TRUE(compiler_->ToBeTriedAgain());
  const auto kept = config_;
  Compile({});
  EXPECT_EQ(config_, kept) << "nothing has changed";
  EXPECT_EQ(Find("la")->address.port(), 80);
  logs_.absent_folder_is_there = true;
  Compile({});
  EXPECT_FALSE(compiler_->ToBeTriedAgain());
  EXPECT_EQ(Find("la")->address.port(), 81);
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(CompilerTest, WhatIsInForceCanBeRebuiltInAnotherProcess) {
  const auto a = UpstreamAt("a", "127.0.0.1:1");
  const auto b = UpstreamAt("b", "127.0.0.1:5");
  const auto lb = ListenerAt("lb", "127.0.0.1:81", "b");
  const auto waiting = ListenerAt("la", "127.0.0.1:82", "missing");
  const auto duplicate = SliceAt("b-1", "b", "127.0.0.1:5");
  Compile({a, ListenerAt("la", "127.0.0.1:80", "a"), b, lb});
  Compile({Gone(a), waiting, duplicate});

  // As Applier::Restore does: what was in force first, then what was wanted.
  std::map<model::ResourceKey, VersionedResource> in_force;
  for (const auto& wanted : {waiting, b, lb, duplicate}) in_force[wanted.key] = wanted.held;
  ResourceUpdates instead = compiler_->InForceInstead();
  for (const auto& update : instead) in_force[update.key] = update.held;
  ResourceUpdates first;
  for (const auto& [key, held] : in_force) first.push_back({key, held});

  compiler_ = MakeCompiler();
  Compile(first);
  EXPECT_THAT(Problems(), IsEmpty());
  Compile({Gone(a), waiting, duplicate});
  EXPECT_EQ(Find("la")->address.port(), 80);
  EXPECT_THAT(EndpointsOf("la"), ElementsAre("127.0.0.1:1"));
  EXPECT_THAT(EndpointsOf("lb"), ElementsAre("127.0.0.1:5"));
  EXPECT_EQ(Problems().size(), 3U);
}

TEST_F(CompilerTest, AListenerThatNamesAPathTheNodeDoesNotAllowIsRefusedAndKeepsItsLastForm) {
  sockets_ = AllowedFolders({"/run/sluice"});
  compiler_ = MakeCompiler();
  Compile({UpstreamAt("web", "127.0.0.1:1"), ListenerAt("a", "unix:/run/sluice/a.sock", "web"),
           ListenerAt("b", "unix:/etc/b.sock", "web"),
           ListenerAt("c", "127.0.0.1:83", "web", "access_log { to: '/forbidden/x' }"),
           ListenerAt("d", "unix:/run/sluice/../d.sock", "web")});
  EXPECT_THAT(Problems(),
              ElementsAre("Listener default/b PathNotAllowed", "Listener default/c PathNotAllowed",
                          "Listener default/d PathNotAllowed"));
  EXPECT_EQ(compiler_->Problems().at(0).state(), v1::ResourceProblem::REFUSED);
  EXPECT_EQ(compiler_->Problems().at(0).field(), "spec.address");
  EXPECT_EQ(compiler_->Problems().at(0).message(),
            "socket 'unix:/etc/b.sock' is refused: this data plane lets listeners make sockets in "
            "/run/sluice (--socket-dir); use an allowed folder, or start the data plane with a "
            "--socket-dir that the path is in");
  EXPECT_EQ(compiler_->Problems().at(1).field(), "spec.accessLog[0].to");
  EXPECT_FALSE(compiler_->ToBeTriedAgain());
  Compile({ListenerAt("a", "unix:/root/a.sock", "web")});
  ASSERT_NE(Find("a"), nullptr);
  EXPECT_EQ(Find("a")->address.Text(), "unix:/run/sluice/a.sock");
}

// Two endpoints of that weight each.
ResourceUpdate RingAt(const std::string& name, int weight, const std::string& more = "") {
  const std::string endpoint = fmt::format("weight: {} {} }}", weight, more);
  return Update<v1::Upstream>(
      name, fmt::format("balance {{ policy: RING_HASH hash {{ key: '$remote_addr' }} }} "
                        "endpoints {{ address: '127.0.0.1:1' {0} "
                        "endpoints {{ address: '127.0.0.1:2' {0}",
                        endpoint));
}

TEST_F(CompilerTest, ARingThatFindsNoRoomWaitsByNameWhileItsLastFormStays) {
  rings_ = {.in_force = 5 * 320, .held = 10 * 320};
  compiler_ = MakeCompiler();
  Compile({RingAt("a", 1), RingAt("b", 2), ListenerAt("one", "127.0.0.1:81", "a"),
           ListenerAt("two", "127.0.0.1:82", "b")});
  EXPECT_THAT(Problems(), IsEmpty());
  const UpstreamConfig* before = &UpstreamOf("two");
  Compile({RingAt("b", 65535), UpstreamAt("c", "127.0.0.1:3"),
           ListenerAt("three", "127.0.0.1:83", "c")});
  EXPECT_THAT(Problems(), ElementsAre("Upstream default/b NoRoomForRing"));
  EXPECT_THAT(compiler_->Problems().at(0).message(),
              "waits for room: its ring needs 10240 points, and those of the other RING_HASH "
              "upstreams have 320 of the 1600 that this data plane holds at most; HASH needs none");
  EXPECT_EQ(&UpstreamOf("two"), before);
  EXPECT_THAT(EndpointsOf("three"), ElementsAre("127.0.0.1:3"));
  // It has room in the place of its own last form, and of one that goes in the same change.
  Compile({RingAt("b", 4)});
  EXPECT_THAT(Problems(), IsEmpty());
  Compile({RingAt("z", 1)});
  EXPECT_THAT(Problems(), ElementsAre("Upstream default/z NoRoomForRing"));
  Compile({RingAt("b", 3)});
  EXPECT_THAT(Problems(), IsEmpty());
  EXPECT_FALSE(compiler_->ToBeTriedAgain());
}

TEST_F(CompilerTest, AChangeDoesNotDependOnTheOrderInWhichRingsGrowAndShrink) {
  rings_ = {.in_force = 5 * 320, .held = 10 * 320};
  compiler_ = MakeCompiler();
  Compile({RingAt("a", 1), RingAt("b", 4)});
  Compile({RingAt("a", 4), RingAt("b", 1)});
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(CompilerTest, OlderFormsThatSessionsHoldCountUntilTheyAreGone) {
  rings_ = {.in_force = 2 * 320, .held = 2 * 320};
  compiler_ = MakeCompiler();
  Compile({RingAt("a", 1), ListenerAt("one", "127.0.0.1:81", "a")});
  std::shared_ptr<const RuntimeConfig> session = config_;
  Compile({RingAt("a", 1, "max_connections: 7")});
  EXPECT_THAT(Problems(), IsEmpty());
  std::shared_ptr<const RuntimeConfig> another = config_;
  Compile({RingAt("a", 1, "max_connections: 8")});
  EXPECT_THAT(Problems(), ElementsAre("Upstream default/a NoRoomForRing"));
  EXPECT_EQ(UpstreamOf("one").balancer->endpoints().at(0).max_connections, 7U);
  EXPECT_TRUE(compiler_->ToBeTriedAgain());
  session = nullptr;
  Compile({});
  EXPECT_THAT(Problems(), IsEmpty());
  EXPECT_EQ(UpstreamOf("one").balancer->endpoints().at(0).max_connections, 8U);
}

}  // namespace
}  // namespace sluice::dataplane
