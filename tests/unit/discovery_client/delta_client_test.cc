#include "dataplane/discovery/delta_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "common/model/generation_digest.h"
#include "sluice/v1/access_policy.pb.h"
#include "sluice/v1/refusal.pb.h"
#include "tests/support/delta_response.h"
#include "tests/support/sample_resources.h"

namespace sluice::dataplane {
namespace {

using test::AddResource;
using test::ResponseOf;
using test::SampleUpstream;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;
using Request = DeltaClient::Request;
using Response = DeltaClient::Response;

constexpr char kUpstreamType[] = "type.googleapis.com/sluice.v1.Upstream";
const std::string kGenerationType(model::kGenerationTypeUrl);

Response UpstreamResponse(const std::string& name, const std::string& version,
                          const std::string& address = "127.0.0.1:80") {
  return test::ResponseWith(SampleUpstream(name, address), version);
}

// The Generation over these upstreams, by name and version.
Response GenerationResponse(std::int64_t number,
                            const std::vector<std::pair<std::string, std::string>>& upstreams) {
  std::vector<std::string> names;
  for (const auto& [name, version] : upstreams) names.push_back("default/" + name);
  std::vector<model::DigestEntry> entries;
  for (std::size_t i = 0; i < names.size(); ++i) {
    entries.push_back({kUpstreamType, names[i], upstreams[i].second});
  }
  return test::GenerationOver(entries, number);
}

std::vector<std::string> NamesIn(const StagedSwap& swap) {
  std::vector<std::string> names;
  for (const ResourceUpdate& update : swap.updates) {
    names.push_back((update.held.resource == nullptr ? "-" : "") + update.key.name);
  }
  return names;
}

v1::ResourceErrors DetailsOf(const Request& nack) {
  v1::ResourceErrors errors;
  EXPECT_EQ(nack.error_detail().details_size(), 1);
  if (nack.error_detail().details_size() == 1) nack.error_detail().details(0).UnpackTo(&errors);
  return errors;
}

class DeltaClientTest : public ::testing::Test {
 protected:
  DeltaClient client_{{"node-1", {{"role", "gateway"}}}};
};

TEST_F(DeltaClientTest, TheFirstRequestCarriesTheNodeAndEachSubscribesToAllOfItsType) {
  const std::vector<Request> requests = client_.StartStream();
  ASSERT_EQ(requests.size(), 5U);
  EXPECT_EQ(requests[0].node().id(), "node-1");
  EXPECT_EQ(requests[0]
                .node()
                .metadata()
                .fields()
                .at("labels")
                .struct_value()
                .fields()
                .at("role")
                .string_value(),
            "gateway");
  EXPECT_EQ(requests[0].node().user_agent_name(), "sluice-dataplane");
  EXPECT_GT(requests[0].node().client_features_size(), 0);
  for (const Request& request : requests) {
    EXPECT_THAT(request.resource_names_subscribe(), ElementsAre("*"));
    EXPECT_EQ(request.response_nonce(), "");
    EXPECT_EQ(request.initial_resource_versions_size(), 0);
  }
  for (std::size_t i = 1; i < requests.size(); ++i) EXPECT_FALSE(requests[i].has_node());
  EXPECT_EQ(requests.back().type_url(), kGenerationType);
}

TEST_F(DeltaClientTest, AGoodResponseIsAcknowledgedByItsNonce) {
  client_.StartStream();
  const auto step = client_.OnResponse(UpstreamResponse("a", "1"));
  EXPECT_EQ(step.reply.response_nonce(), "a1");
  EXPECT_EQ(step.reply.type_url(), kUpstreamType);
  EXPECT_FALSE(step.reply.has_error_detail());
}

TEST_F(DeltaClientTest, WithoutGenerationsEachResponseIsPutInForceByItself) {
  client_.StartStream();
  const auto step = client_.OnResponse(UpstreamResponse("a", "1"));
  ASSERT_TRUE(step.swap.has_value());
  EXPECT_THAT(NamesIn(*step.swap), ElementsAre("a"));
  EXPECT_EQ(step.swap->generation, 0);
}

TEST_F(DeltaClientTest, WithTheProfileNothingIsPutInForceBeforeTheDigestMatches) {
  client_.StartStream();
  client_.OnInitialMetadata(true);
  EXPECT_FALSE(client_.OnResponse(UpstreamResponse("a", "1")).swap.has_value());
  EXPECT_FALSE(client_.OnResponse(UpstreamResponse("b", "1")).swap.has_value());
  const auto step = client_.OnResponse(GenerationResponse(7, {{"a", "1"}, {"b", "1"}}));
  ASSERT_TRUE(step.swap.has_value());
  EXPECT_THAT(NamesIn(*step.swap), ElementsAre("a", "b"));
  EXPECT_EQ(step.swap->generation, 7);
}

TEST_F(DeltaClientTest, AGenerationThatComesBeforeItsResourcesWaitsForThem) {
  client_.StartStream();
  client_.OnInitialMetadata(true);
  client_.OnResponse(UpstreamResponse("a", "1"));
  EXPECT_FALSE(
      client_.OnResponse(GenerationResponse(7, {{"a", "1"}, {"b", "1"}})).swap.has_value());
  EXPECT_TRUE(client_.staging().Incomplete());
  EXPECT_TRUE(client_.OnResponse(UpstreamResponse("b", "1")).swap.has_value());
  EXPECT_FALSE(client_.staging().Incomplete());
}

TEST_F(DeltaClientTest, OnceAGenerationWasSeenASilentServerIsFollowedAtomicallyToo) {
  client_.StartStream();
  client_.OnResponse(UpstreamResponse("a", "1"));
  client_.OnResponse(GenerationResponse(1, {{"a", "1"}}));
  EXPECT_FALSE(client_.OnResponse(UpstreamResponse("a", "2")).swap.has_value());
  EXPECT_TRUE(client_.OnResponse(GenerationResponse(2, {{"a", "2"}})).swap.has_value());
}

TEST_F(DeltaClientTest, AGenerationThatChangesNothingForThisNodeIsStillTaken) {
  client_.StartStream();
  client_.OnInitialMetadata(true);
  client_.OnResponse(UpstreamResponse("a", "1"));
  client_.OnResponse(GenerationResponse(1, {{"a", "1"}}));
  const auto step = client_.OnResponse(GenerationResponse(2, {{"a", "1"}}));
  ASSERT_TRUE(step.swap.has_value());
  EXPECT_THAT(step.swap->updates, IsEmpty());
  EXPECT_EQ(step.swap->generation, 2);
}

TEST_F(DeltaClientTest, ARefusedResourceIsNamedAndItsSiblingsAreStaged) {
  client_.StartStream();
  Response response = UpstreamResponse("good", "1");
  AddResource(response, SampleUpstream("bad", "not-an-address"), "9");
  const auto step = client_.OnResponse(response);
  ASSERT_TRUE(step.reply.has_error_detail());
  EXPECT_EQ(step.reply.response_nonce(), "good1");
  const v1::ResourceErrors errors = DetailsOf(step.reply);
  ASSERT_EQ(errors.errors_size(), 1);
  EXPECT_EQ(errors.errors(0).kind(), "Upstream");
  EXPECT_EQ(errors.errors(0).name(), "default/bad");
  EXPECT_EQ(errors.errors(0).version(), "9");
  EXPECT_EQ(errors.errors(0).field(), "spec.endpoints[0].address");
  EXPECT_EQ(errors.errors(0).state(), v1::ResourceProblem::REFUSED);
  ASSERT_TRUE(step.swap.has_value());
  EXPECT_THAT(NamesIn(*step.swap), ElementsAre("good"));
}

TEST_F(DeltaClientTest, ARefusedVersionIsNeverAnnouncedAsHeld) {
  client_.StartStream();
  client_.OnResponse(UpstreamResponse("a", "1"));
  client_.OnResponse(UpstreamResponse("a", "2", "not-an-address"));
  client_.OnResponse(UpstreamResponse("b", "1", "not-an-address"));
  const std::vector<Request> again = client_.StartStream();
  EXPECT_THAT(client_.staging().AcceptedVersions(kUpstreamType),
              ElementsAre(Pair("default/a", "1")));
  for (const Request& request : again) {
    if (request.type_url() != kUpstreamType) continue;
    EXPECT_THAT(request.initial_resource_versions(), UnorderedElementsAre(Pair("default/a", "1")));
  }
}

TEST_F(DeltaClientTest, AGenerationWithARefusedResourceIsCompleteAndKeepsTheLastGoodForm) {
  client_.StartStream();
  client_.OnInitialMetadata(true);
  client_.OnResponse(UpstreamResponse("a", "1"));
  client_.OnResponse(GenerationResponse(1, {{"a", "1"}}));
  client_.OnResponse(UpstreamResponse("a", "2", "not-an-address"));
  client_.OnResponse(UpstreamResponse("b", "1"));
  const auto step = client_.OnResponse(GenerationResponse(2, {{"a", "2"}, {"b", "1"}}));
  ASSERT_TRUE(step.swap.has_value());
  EXPECT_THAT(NamesIn(*step.swap), ElementsAre("b"));
  ASSERT_EQ(client_.staging().Refusals().size(), 1U);
  EXPECT_EQ(client_.staging().Refusals()[0].version(), "2");
}

TEST_F(DeltaClientTest, ARefusalEndsWithTheNextGoodVersion) {
  client_.StartStream();
  client_.OnResponse(UpstreamResponse("a", "1", "not-an-address"));
  EXPECT_EQ(client_.staging().Refusals().size(), 1U);
  client_.OnResponse(UpstreamResponse("a", "2"));
  EXPECT_THAT(client_.staging().Refusals(), IsEmpty());
}

TEST_F(DeltaClientTest, AServerThatDoesNotRepeatARefusedVersionAfterAReconnectIsFollowed) {
  client_.StartStream();
  client_.OnInitialMetadata(true);
  client_.OnResponse(UpstreamResponse("a", "1"));
  client_.OnResponse(UpstreamResponse("bad", "1", "not-an-address"));
  client_.OnResponse(GenerationResponse(1, {{"a", "1"}, {"bad", "1"}}));
  client_.StartStream();
  client_.OnInitialMetadata(true);
  client_.OnResponse(UpstreamResponse("a", "2"));
  EXPECT_TRUE(
      client_.OnResponse(GenerationResponse(2, {{"a", "2"}, {"bad", "1"}})).swap.has_value());
  EXPECT_EQ(client_.staging().Refusals().size(), 1U);
}

TEST_F(DeltaClientTest, AServerThatTookARefusedVersionBackWhileAwayEndsTheRefusal) {
  client_.StartStream();
  client_.OnInitialMetadata(true);
  client_.OnResponse(UpstreamResponse("a", "1"));
  client_.OnResponse(UpstreamResponse("a", "2", "not-an-address"));
  client_.OnResponse(GenerationResponse(2, {{"a", "2"}}));
  client_.StartStream();
  client_.OnInitialMetadata(true);
  EXPECT_TRUE(client_.OnResponse(GenerationResponse(3, {{"a", "1"}})).swap.has_value());
  EXPECT_THAT(client_.staging().Refusals(), IsEmpty());
}

TEST_F(DeltaClientTest, ANameThatStandsTwiceInAResponseIsRefusedButNotItsSiblings) {
  client_.StartStream();
  Response response = UpstreamResponse("a", "1");
  AddResource(response, SampleUpstream("twice"), "1");
  AddResource(response, SampleUpstream("twice"), "2");
  const auto step = client_.OnResponse(response);
  const v1::ResourceErrors errors = DetailsOf(step.reply);
  ASSERT_EQ(errors.errors_size(), 1);
  EXPECT_EQ(errors.errors(0).name(), "default/twice");
  EXPECT_EQ(errors.errors(0).reason(), "DuplicateName");
  EXPECT_THAT(NamesIn(*step.swap), ElementsAre("a"));
}

TEST_F(DeltaClientTest, ATypeThatWasNotAskedForIsIgnoredAndAcknowledged) {
  client_.StartStream();
  Response response = ResponseOf("type.googleapis.com/envoy.config.cluster.v3.Cluster", "n");
  response.add_resources()->set_name("x");
  const auto step = client_.OnResponse(response);
  EXPECT_EQ(step.reply.response_nonce(), "n");
  EXPECT_FALSE(step.reply.has_error_detail());
  EXPECT_FALSE(step.swap.has_value());
}

TEST_F(DeltaClientTest, BytesThatDoNotParseAreRefusedAndTheLastGoodFormStays) {
  client_.StartStream();
  client_.OnResponse(UpstreamResponse("a", "1"));
  Response response = UpstreamResponse("a", "2");
  response.mutable_resources(0)->mutable_resource()->set_value("\xff\xff\xff");
  const auto step = client_.OnResponse(response);
  EXPECT_EQ(DetailsOf(step.reply).errors(0).reason(), "Unparsable");
  EXPECT_FALSE(step.swap.has_value());
  EXPECT_EQ(*client_.staging().AcceptedVersion({kUpstreamType, "default/a"}), "1");
}

TEST_F(DeltaClientTest, AnAnyOfAnotherTypeIsRefused) {
  client_.StartStream();
  Response response = UpstreamResponse("a", "1");
  response.mutable_resources(0)->mutable_resource()->PackFrom(v1::AccessPolicy());
  const auto step = client_.OnResponse(response);
  EXPECT_EQ(DetailsOf(step.reply).errors(0).reason(), "WrongType");
  EXPECT_FALSE(step.swap.has_value());
}

TEST_F(DeltaClientTest, AResourceThatNamesItselfOtherwiseIsRefused) {
  client_.StartStream();
  Response response = UpstreamResponse("a", "1");
  response.mutable_resources(0)->set_name("default/b");
  EXPECT_EQ(DetailsOf(client_.OnResponse(response).reply).errors(0).reason(), "WrongName");
}

TEST_F(DeltaClientTest, AnEmptyResponseChangesNothingAndIsAcknowledged) {
  client_.StartStream();
  client_.OnResponse(UpstreamResponse("a", "1"));
  const auto step = client_.OnResponse(ResponseOf(kUpstreamType, "n2"));
  EXPECT_EQ(step.reply.response_nonce(), "n2");
  EXPECT_FALSE(step.reply.has_error_detail());
  EXPECT_FALSE(step.swap.has_value());
}

TEST_F(DeltaClientTest, AHeartbeatOfTheHeldVersionIsAcknowledged) {
  client_.StartStream();
  client_.OnResponse(UpstreamResponse("a", "1"));
  Response response = UpstreamResponse("a", "1");
  response.mutable_resources(0)->clear_resource();
  const auto step = client_.OnResponse(response);
  EXPECT_FALSE(step.reply.has_error_detail());
  EXPECT_FALSE(step.swap.has_value());
}

TEST_F(DeltaClientTest, ARemovedResourceGoesAndIsNotAnnouncedAgain) {
  client_.StartStream();
  client_.OnResponse(UpstreamResponse("a", "1"));
  Response response = ResponseOf(kUpstreamType, "n2");
  response.add_removed_resources("default/a");
  response.add_removed_resources("default/never-there");
  const auto step = client_.OnResponse(response);
  ASSERT_TRUE(step.swap.has_value());
  EXPECT_THAT(NamesIn(*step.swap), ElementsAre("-a"));
  EXPECT_THAT(client_.staging().AcceptedVersions(kUpstreamType), IsEmpty());
}

TEST_F(DeltaClientTest, AReconnectAnnouncesExactlyWhatWasAcceptedTheGenerationIncluded) {
  client_.StartStream();
  client_.OnInitialMetadata(true);
  client_.OnResponse(UpstreamResponse("a", "1"));
  const Response generation = GenerationResponse(1, {{"a", "1"}});
  client_.OnResponse(generation);
  const std::vector<Request> again = client_.StartStream();
  EXPECT_TRUE(again[0].has_node());
  for (const Request& request : again) {
    EXPECT_EQ(request.response_nonce(), "");
    if (request.type_url() == kUpstreamType) {
      EXPECT_THAT(request.initial_resource_versions(),
                  UnorderedElementsAre(Pair("default/a", "1")));
    } else if (request.type_url() == kGenerationType) {
      EXPECT_THAT(request.initial_resource_versions(),
                  UnorderedElementsAre(Pair("generation", generation.resources(0).version())));
    } else {
      EXPECT_EQ(request.initial_resource_versions_size(), 0);
    }
  }
}

TEST_F(DeltaClientTest, WhatWasStagedBeforeALostStreamCompletesItsGenerationOnTheNext) {
  client_.StartStream();
  client_.OnInitialMetadata(true);
  client_.OnResponse(UpstreamResponse("a", "1"));
  client_.StartStream();
  client_.OnInitialMetadata(true);
  client_.OnResponse(UpstreamResponse("b", "1"));
  const auto step = client_.OnResponse(GenerationResponse(1, {{"a", "1"}, {"b", "1"}}));
  ASSERT_TRUE(step.swap.has_value());
  EXPECT_THAT(NamesIn(*step.swap), ElementsAre("a", "b"));
}

TEST_F(DeltaClientTest, AskedForEverythingAgainTheServersAnswerReplacesWhatWasHeld) {
  client_.StartStream();
  client_.OnInitialMetadata(true);
  client_.OnResponse(UpstreamResponse("a", "1"));
  client_.OnResponse(UpstreamResponse("stray", "1"));
  client_.OnResponse(GenerationResponse(1, {{"a", "1"}}));
  EXPECT_TRUE(client_.staging().Incomplete());
  for (const Request& request : client_.StartStream(false)) {
    EXPECT_EQ(request.initial_resource_versions_size(), 0);
  }
  client_.OnInitialMetadata(true);
  client_.OnResponse(UpstreamResponse("a", "1"));
  const auto step = client_.OnResponse(GenerationResponse(1, {{"a", "1"}}));
  ASSERT_TRUE(step.swap.has_value());
  EXPECT_THAT(NamesIn(*step.swap), ElementsAre("a", "-stray"));
  EXPECT_THAT(client_.staging().AcceptedVersions(kUpstreamType),
              ElementsAre(Pair("default/a", "1")));
}

TEST_F(DeltaClientTest, AGenerationThatIsNoneIsRefused) {
  client_.StartStream();
  Response response = GenerationResponse(1, {});
  response.mutable_resources(0)->mutable_resource()->PackFrom(v1::Generation());
  const auto step = client_.OnResponse(response);
  EXPECT_EQ(DetailsOf(step.reply).errors(0).kind(), "Generation");
  EXPECT_FALSE(step.swap.has_value());
}

TEST_F(DeltaClientTest, WhatIsStagedOfTheNextGenerationIsNotAmongWhatWasTaken) {
  client_.StartStream();
  client_.OnInitialMetadata(true);
  EXPECT_TRUE(client_.staging().Taken().resources.empty());
  client_.OnResponse(UpstreamResponse("a", "1"));
  client_.OnResponse(UpstreamResponse("b", "1"));
  EXPECT_TRUE(client_.staging().Taken().resources.empty());
  client_.OnResponse(GenerationResponse(1, {{"a", "1"}, {"b", "1"}}));
  client_.OnResponse(UpstreamResponse("a", "2"));
  client_.OnResponse(UpstreamResponse("c", "1"));
  const AcceptedState taken = client_.staging().Taken();
  EXPECT_EQ(taken.generation, 1);
  std::set<std::string> held;
  for (const VersionedResource& resource : taken.resources) {
    held.insert(resource.resource->key().name + "@" + resource.version);
  }
  EXPECT_THAT(held, ElementsAre("a@1", "b@1"));
  client_.OnResponse(GenerationResponse(2, {{"a", "2"}, {"b", "1"}, {"c", "1"}}));
  EXPECT_EQ(client_.staging().Taken().resources.size(), 3U);
  EXPECT_EQ(client_.staging().Taken().generation, 2);
}

TEST_F(DeltaClientTest, ARestoredStateIsAnnouncedAndOnlyTheDifferenceIsSwapped) {
  client_.StartStream();
  client_.OnInitialMetadata(true);
  client_.OnResponse(UpstreamResponse("a", "1"));
  client_.OnResponse(UpstreamResponse("b", "1"));
  client_.OnResponse(GenerationResponse(1, {{"a", "1"}, {"b", "1"}}));

  DeltaClient restarted({"node-1", {}});
  restarted.staging().Restore(client_.staging().Taken());
  restarted.StartStream();
  restarted.OnInitialMetadata(true);
  EXPECT_EQ(restarted.staging().AcceptedVersions(kUpstreamType).size(), 2U);
  restarted.OnResponse(UpstreamResponse("b", "2"));
  const auto step = restarted.OnResponse(GenerationResponse(2, {{"a", "1"}, {"b", "2"}}));
  ASSERT_TRUE(step.swap.has_value());
  EXPECT_THAT(NamesIn(*step.swap), ElementsAre("b"));
}

}  // namespace
}  // namespace sluice::dataplane
