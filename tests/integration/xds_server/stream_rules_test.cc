// What ends a stream, who sees what, refusals, and two streams of one node (S21–S23, S26–S31).
#include <gmock/gmock.h>

#include "common/base/limits.h"
#include "sluice/v1/data_plane.pb.h"
#include "sluice/v1/refusal.pb.h"
#include "tests/integration/xds_server/discovery_replica.h"
#include "tests/support/eventually.h"
#include "tests/support/memory_store.h"
#include "tests/support/raw_peer.h"
#include "tests/support/sample_resources.h"

namespace sluice::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class StreamRulesTest : public testing::Test {
 protected:
  void SetUp() override {
    catalog_.Apply({MakeUpstream("db"), MakeUpstream("cache"),
                    MakeListener({.name = "db", .upstream = "db"}),
                    MakeListener({.name = "cache",
                                  .upstream = "cache",
                                  .node_selector = {{"role", "edge"}},
                                  .port = 6379})});
    replica_.emplace(catalog_, store_);
  }

  RawPeer Peer() { return RawPeer(replica_->Connect()); }

  static xds::DeltaDiscoveryRequest RequestFrom(const envoy::config::core::v3::Node& node,
                                                const std::string& type) {
    xds::DeltaDiscoveryRequest request;
    *request.mutable_node() = node;
    request.set_type_url(type);
    return request;
  }

  std::vector<v1::ResourceProblem> ProblemsOf(const std::string& node) {
    for (const model::Resource& object : replica_->fleet().DataPlanes()) {
      if (object.key().name != node) continue;
      const auto& problems = object.As<v1::DataPlane>().status().problems();
      return {problems.begin(), problems.end()};
    }
    return {};
  }

  MemoryStore store_;
  MemoryCatalog catalog_;
  std::optional<DiscoveryReplica> replica_;
};

TEST_F(StreamRulesTest, TheFirstRequestMustCarryANodeWithAnId) {
  RawPeer peer = Peer();
  peer.Subscribe(kUpstreams, {"*"});
  const grpc::Status status = peer.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("`node.id`"));
}

TEST_F(StreamRulesTest, ANodeThatChangesItsIdIsRefused) {
  RawPeer peer = Peer();
  peer.Subscribe("n1", kUpstreams, {"*"});
  peer.NextAcked();
  peer.Send(RequestFrom(MakeNode("n2"), kUpstreams));
  const grpc::Status status = peer.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("'n1'"));
}

TEST_F(StreamRulesTest, ARepeatedEqualNodeIsFine) {
  RawPeer peer = Peer();
  peer.Subscribe("n1", kUpstreams, {"default/db"});
  peer.NextAcked();
  peer.Send(RequestFrom(MakeNode("n1"), kUpstreams));
  EXPECT_TRUE(peer.Silent());
}

TEST_F(StreamRulesTest, ARequestWithoutATypeIsRefused) {
  RawPeer peer = Peer();
  peer.Subscribe("n1", "", {"*"});
  EXPECT_EQ(peer.End().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(StreamRulesTest, AnUnknownTypeIsAnErrorOfItsResourcesAndTheStreamStays) {
  RawPeer peer = Peer();
  peer.Subscribe("n1", "type.googleapis.com/envoy.config.listener.v3.Listener", {"a", "b"});
  const auto answer = peer.NextAcked();
  ASSERT_EQ(answer.resource_errors_size(), 2);
  EXPECT_EQ(answer.resource_errors(0).resource_name().name(), "a");
  EXPECT_EQ(answer.resource_errors(0).error_detail().code(), grpc::StatusCode::INVALID_ARGUMENT);
  peer.Subscribe(kUpstreams, {"default/db"});
  EXPECT_THAT(NamesIn(peer.NextAcked()), ElementsAre("default/db"));
}

TEST_F(StreamRulesTest, AnOversizeRequestIsRefusedWithAHint) {
  RawPeer peer = Peer();
  auto request = RequestFrom(MakeNode("n1"), kUpstreams);
  (*request.mutable_initial_resource_versions())["x"] =
      std::string(limits::kDiscoveryRequestBytes, 'v');
  peer.Send(request);
  const grpc::Status status = peer.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("at most 4194304 bytes"));
}

TEST_F(StreamRulesTest, TooManyNamesAreRefused) {
  RawPeer peer = Peer();
  RawPeer::Names names;
  for (std::size_t i = 0; i <= limits::kSubscribedNames; ++i) names.push_back(std::to_string(i));
  peer.Subscribe("n1", kUpstreams, names);
  EXPECT_EQ(peer.End().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(StreamRulesTest, WhatTheNodeMayNotSeeIsNotSentEvenIfNamedExactly) {
  RawPeer peer = Peer();
  peer.Subscribe("n1", kListeners, {"default/cache", "default/db"});
  const auto answer = peer.NextAcked();
  EXPECT_THAT(NamesIn(answer), ElementsAre("default/db"));
  EXPECT_THAT(RemovedIn(answer), ElementsAre("default/cache"));
  peer.Subscribe(kUpstreams, {"default/cache"});
  EXPECT_THAT(RemovedIn(peer.NextAcked()), ElementsAre("default/cache"));
}

TEST_F(StreamRulesTest, TheNodesLabelsDecideWhatItSees) {
  RawPeer peer = Peer();
  auto request = RequestFrom(MakeNode("edge-1", {{"role", "edge"}}), kListeners);
  request.add_resource_names_subscribe("*");
  peer.Send(request);
  EXPECT_THAT(NamesIn(peer.NextAcked()), ElementsAre("default/cache", "default/db"));
}

TEST_F(StreamRulesTest, ANewerStreamOfTheSameNodeWins) {
  RawPeer first = Peer();
  first.Subscribe("n1", kUpstreams, {"*"});
  first.NextAcked();
  RawPeer second = Peer();
  second.Subscribe("n1", kUpstreams, {"*"});
  second.NextAcked();
  EXPECT_EQ(first.End().error_code(), grpc::StatusCode::ABORTED);
  catalog_.Apply({MakeUpstream("db", {1})});
  EXPECT_THAT(NamesIn(second.NextAcked()), ElementsAre("default/db"));
}

TEST_F(StreamRulesTest, ARefusalIsRecordedAndOnlyTheNextVersionIsPushed) {
  RawPeer peer = Peer();
  peer.Subscribe("n1", kUpstreams, {"*"});
  const auto refused = peer.Next();
  ASSERT_TRUE(refused);
  peer.Nack(*refused, "no such balance policy");
  EXPECT_TRUE(peer.Silent());
  const auto problems = ProblemsOf("n1");
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].kind(), "Upstream");
  EXPECT_EQ(problems[0].name(), "default/db");
  EXPECT_EQ(problems[0].version(), VersionsIn(*refused).at("default/db"));
  EXPECT_EQ(problems[0].message(), "no such balance policy");
  catalog_.Apply({MakeListener({.name = "db", .upstream = "db", .port = 15432})});
  catalog_.Apply({MakeUpstream("db", {1})});
  EXPECT_THAT(NamesIn(peer.NextAcked()), ElementsAre("default/db"));
  EXPECT_TRUE(peer.Silent());
  EXPECT_THAT(ProblemsOf("n1"), IsEmpty());
}

TEST_F(StreamRulesTest, ARefusalThatNamesResourcesIsAboutThoseOnly) {
  catalog_.Apply(
      {MakeUpstream("bad"), MakeListener({.name = "bad", .upstream = "bad", .port = 9})});
  replica_->AwaitGeneration(2);
  RawPeer peer = Peer();
  peer.Subscribe("n1", kUpstreams, {"default/bad", "default/db"});
  const auto answer = peer.Next();
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->resources_size(), 2);
  v1::ResourceErrors errors;
  auto& error = *errors.add_errors();
  error.set_name("default/bad");
  error.set_reason("Invalid");
  error.set_field("spec.endpoints[0].address");
  error.set_message("`spec.endpoints[0].address` is not for us");
  xds::DeltaDiscoveryRequest request;
  request.set_type_url(kUpstreams);
  request.set_response_nonce(answer->nonce());
  request.mutable_error_detail()->add_details()->PackFrom(errors);
  peer.Send(request);
  EXPECT_TRUE(peer.Silent());
  const auto problems = ProblemsOf("n1");
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].name(), "default/bad");
  EXPECT_EQ(problems[0].reason(), "Invalid");
  EXPECT_EQ(problems[0].field(), "spec.endpoints[0].address");
}

TEST_F(StreamRulesTest, ARefusalDelaysNeitherOtherTypesNorOtherNodes) {
  RawPeer refusing = Peer();
  refusing.Subscribe("n1", kUpstreams, {"*"});
  const auto refused = refusing.Next();
  ASSERT_TRUE(refused);
  refusing.Nack(*refused, "no");
  refusing.Subscribe(kListeners, {"*"});
  EXPECT_THAT(NamesIn(refusing.NextAcked()), ElementsAre("default/db"));
  // Another one that never acknowledges anything.
  RawPeer stalled = Peer();
  stalled.Subscribe("n2", kUpstreams, {"*"});
  ASSERT_TRUE(stalled.Next());
  RawPeer other = Peer();
  other.Subscribe("n3", kUpstreams, {"*"});
  other.NextAcked();
  catalog_.Apply({MakeUpstream("db", {1})});
  EXPECT_THAT(NamesIn(other.NextAcked()), ElementsAre("default/db"));
  EXPECT_THAT(NamesIn(refusing.NextAcked()), ElementsAre("default/db"));
}

TEST_F(StreamRulesTest, AnInvalidStoredObjectIsLeftOutAndItsEarlierFormServed) {
  const auto good = MakeUpstream("db", {4711});
  catalog_.Apply({MakeInvalidUpstream("db"), MakeInvalidUpstream("cache")});
  store_.SetEarlierForms(good.key(), {MakeInvalidUpstream("db"), good, MakeUpstream("db", {1})});
  DiscoveryReplica restarted(catalog_, store_);
  RawPeer peer(restarted.Connect());
  auto request = RequestFrom(MakeNode("edge-1", {{"role", "edge"}}), kUpstreams);
  request.add_resource_names_subscribe("*");
  peer.Send(request);
  const auto versions = VersionsIn(peer.NextAcked());
  EXPECT_EQ(versions, (std::map<std::string, std::string>{{"default/db", good.version()}}));
  const auto status = restarted.fleet().StatusOf(MakeInvalidUpstream("db"));
  EXPECT_EQ(status.conditions(0).type(), "Accepted");
  EXPECT_EQ(status.conditions(0).status(), v1::Condition::FALSE);
  EXPECT_THAT(status.conditions(0).message(), HasSubstr("last valid form"));
}

TEST_F(StreamRulesTest, ShutdownEndsEveryStreamAsUnavailable) {
  RawPeer peer = Peer();
  peer.Subscribe("n1", kUpstreams, {"*"});
  peer.NextAcked();
  replica_->discovery().Shutdown();
  EXPECT_EQ(peer.End().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(StreamRulesTest, AClientThatClosesItsSideEndsTheStreamWell) {
  RawPeer peer = Peer();
  peer.Subscribe("n1", kUpstreams, {"*"});
  peer.NextAcked();
  peer.CloseSending();
  EXPECT_TRUE(peer.End().ok());
}

}  // namespace
}  // namespace sluice::test
