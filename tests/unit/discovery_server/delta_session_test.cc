#include "controlplane/discovery/delta_session.h"

#include <gmock/gmock.h>

#include <map>
#include <string>
#include <vector>

#include "common/base/limits.h"
#include "common/model/generation_digest.h"
#include "controlplane/snapshot/visibility_index.h"
#include "sluice/v1/generation.pb.h"
#include "tests/support/sample_resources.h"

namespace sluice::controlplane {
namespace {

namespace xds = ::envoy::service::discovery::v3;
using test::MakeListener;
using test::MakeSlice;
using test::MakeUpstream;
using testing::ElementsAre;
using testing::IsEmpty;

class DeltaSessionTest : public testing::Test {
 protected:
  DeltaSessionTest() {
    index_.Hold({});
    Apply({MakeUpstream("db"), MakeListener({.name = "db", .upstream = "db"})});
    session_.emplace(NodeIdentity{"n1", {}, ""}, index_.SnapshotOf({}));
  }

  void Apply(const std::vector<model::Resource>& resources,
             const std::vector<model::ResourceKey>& deleted = {}) {
    index_.Apply(index_.generation() + 1, test::AsChanges(resources, deleted));
    if (session_) session_->OnSnapshot(index_.SnapshotOf({}));
  }

  void Request(TypeIndex type, const std::vector<std::string>& subscribe,
               const std::string& nonce = "") {
    xds::DeltaDiscoveryRequest request;
    request.set_type_url(std::string(StreamedTypeUrls()[type]));
    request.mutable_resource_names_subscribe()->Add(subscribe.begin(), subscribe.end());
    request.set_response_nonce(nonce);
    ASSERT_TRUE(session_->OnRequest(request));
  }
  void Ack(const DiscoveryAnswer& answer) {
    Request(*FindStreamedType(answer.type_url), {}, answer.nonce);
  }
  void SubscribeToAll() {
    for (TypeIndex type = 0; type <= GenerationTypeIndex(); ++type) Request(type, {"*"});
  }

  static v1::Generation GenerationIn(const DiscoveryAnswer& answer) {
    xds::Resource resource;
    v1::Generation generation;
    EXPECT_TRUE(resource.ParseFromString(answer.resources.at(0)->wire));
    EXPECT_TRUE(resource.resource().UnpackTo(&generation));
    return generation;
  }

  VisibilityIndex index_{0, {}, [](const auto&) { return std::vector<model::Resource>(); }};
  std::optional<DeltaSession> session_;
};

TEST_F(DeltaSessionTest, OneAnswerATypeIsInFlight) {
  Request(0, {"default/db"});
  const auto first = session_->NextAnswer();
  ASSERT_TRUE(first);
  Apply({MakeUpstream("db", {1})});
  EXPECT_FALSE(session_->NextAnswer());
  Ack(*first);
  const auto second = session_->NextAnswer();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->resources.at(0)->version, MakeUpstream("db", {1}).version());
  EXPECT_NE(second->nonce, first->nonce);
}

TEST_F(DeltaSessionTest, AChangeThatIsTakenBackWhileTheClientIsSlowIsNeverSent) {
  Request(0, {"default/db"});
  const auto first = session_->NextAnswer();
  ASSERT_TRUE(first);
  Apply({MakeUpstream("db", {1})});
  Apply({MakeUpstream("db")});
  Ack(*first);
  EXPECT_FALSE(session_->NextAnswer());
}

TEST_F(DeltaSessionTest, AGenerationWaitsForTheTypeThatIsStillInFlight) {
  SubscribeToAll();
  std::vector<DiscoveryAnswer> answers;
  while (auto answer = session_->NextAnswer()) answers.push_back(std::move(*answer));
  for (const DiscoveryAnswer& answer : answers) {
    if (answer.type_url != StreamedTypeUrls()[0]) Ack(answer);
  }
  Apply({MakeUpstream("db", {1}), MakeListener({.name = "db", .upstream = "db", .port = 1})});
  // The upstream cannot go yet, so neither can the listener behind it nor the Generation.
  EXPECT_FALSE(session_->NextAnswer());
  for (const DiscoveryAnswer& answer : answers) {
    if (answer.type_url == StreamedTypeUrls()[0]) Ack(answer);
  }
  std::vector<std::string> order;
  while (auto answer = session_->NextAnswer()) order.push_back(answer->type_url);
  EXPECT_THAT(order, ElementsAre("type.googleapis.com/sluice.v1.Upstream",
                                 "type.googleapis.com/sluice.v1.Listener",
                                 "type.googleapis.com/sluice.v1.Generation"));
}

TEST_F(DeltaSessionTest, EveryGenerationDescribesExactlyWhatWasSentWhateverTheOrderOfAcks) {
  SubscribeToAll();
  std::map<std::string, std::map<std::string, std::string>> held;
  std::vector<DiscoveryAnswer> unacknowledged;
  std::uint32_t random = 99;
  const auto next = [&random](std::uint32_t below) {
    random = random * 1664525 + 1013904223;
    return (random >> 16) % below;
  };
  int generations = 0;
  for (int step = 0; step < 3000; ++step) {
    const std::string n = std::to_string(next(3));
    const int port = 1 + static_cast<int>(next(50));
    switch (next(6)) {
      case 0:
        Apply({MakeUpstream(n, {port}), MakeListener({.name = n, .upstream = n, .port = port})});
        break;
      case 1:
        Apply({MakeSlice(n, std::to_string(next(3)), {port})});
        break;
      case 2:
        Apply({}, {MakeListener({.name = n, .upstream = n}).key()});
        break;
      case 3:
        if (!unacknowledged.empty()) {
          const auto chosen =
              unacknowledged.begin() + next(static_cast<std::uint32_t>(unacknowledged.size()));
          Ack(*chosen);
          unacknowledged.erase(chosen);
        }
        break;
      default:
        if (auto answer = session_->NextAnswer()) {
          if (answer->type_url == model::kGenerationTypeUrl) {
            std::vector<model::DigestEntry> entries;
            for (const auto& [type, names] : held) {
              for (const auto& [name, version] : names) entries.push_back({type, name, version});
            }
            // The subscriptions came at once, so the first Generation is complete as well.
            ASSERT_EQ(GenerationIn(*answer).digest(), model::GenerationDigest(entries))
                << "step " << step;
            ++generations;
          }
          for (const auto& item : answer->resources) {
            if (answer->type_url != model::kGenerationTypeUrl) {
              held[answer->type_url][item->name] = item->version;
            }
          }
          for (const auto& name : answer->removed) held[answer->type_url].erase(name);
          unacknowledged.push_back(std::move(*answer));
        }
    }
  }
  EXPECT_GT(generations, 50);
}

TEST_F(DeltaSessionTest, AStreamThatHoldsEverythingKeepsNothingOfItsOwn) {
  std::vector<model::Resource> resources;
  for (int i = 0; i < 3000; ++i) {
    const std::string name = "n" + std::to_string(i);
    resources.push_back(MakeUpstream(name));
    resources.push_back(MakeListener({.name = name, .upstream = name, .port = 1 + i}));
  }
  Apply(resources);
  session_.emplace(NodeIdentity{"n1", {}, ""}, index_.SnapshotOf({}));
  SubscribeToAll();
  std::size_t sent = 0;
  while (const auto answer = session_->NextAnswer()) {
    sent += answer->resources.size();
    EXPECT_LE(session_->own_entries(), 10u);
    Ack(*answer);
  }
  EXPECT_EQ(sent, 6002u + 1);
  for (int port = 1; port < 50; ++port) {
    Apply({MakeUpstream("n7", {port})});
    while (const auto answer = session_->NextAnswer()) Ack(*answer);
    EXPECT_LE(session_->own_entries(), 10u);
  }
}

TEST_F(DeltaSessionTest, AClientThatComesBackKeepsOnlyItsDifferences) {
  std::vector<model::Resource> resources;
  for (int i = 0; i < 1000; ++i) resources.push_back(MakeUpstream("n" + std::to_string(i)));
  for (int i = 0; i < 1000; ++i) {
    const std::string name = "n" + std::to_string(i);
    resources.push_back(MakeListener({.name = name, .upstream = name, .port = 1 + i}));
  }
  Apply(resources);
  session_.emplace(NodeIdentity{"n1", {}, ""}, index_.SnapshotOf({}));
  const TypeIndex upstreams = *StreamedTypeOf(MakeUpstream("x").kind());
  xds::DeltaDiscoveryRequest request;
  request.set_type_url(std::string(StreamedTypeUrls()[upstreams]));
  request.add_resource_names_subscribe("*");
  auto& claimed = *request.mutable_initial_resource_versions();
  for (const SnapshotEntry& entry : index_.SnapshotOf({})->tables[upstreams]->entries()) {
    claimed[entry.item->name] = entry.item->version;
  }
  claimed["default/n5"] = "older";
  claimed["default/gone"] = "any";
  claimed.erase("default/n6");
  ASSERT_TRUE(session_->OnRequest(request));
  EXPECT_LE(session_->own_entries(), 5u);
  const auto answer = session_->NextAnswer();
  ASSERT_TRUE(answer);
  std::vector<std::string> names;
  for (const auto& item : answer->resources) names.push_back(item->name);
  EXPECT_THAT(names, ElementsAre("default/n5", "default/n6"));
  EXPECT_THAT(answer->removed, ElementsAre("default/gone"));
}

TEST_F(DeltaSessionTest, LeavingTheWildcardKeepsWhatWasAskedForByName) {
  const TypeIndex upstreams = *StreamedTypeOf(MakeUpstream("x").kind());
  Apply({MakeUpstream("other"), MakeListener({.name = "other", .upstream = "other", .port = 1})});
  Request(upstreams, {"*", "default/db"});
  Ack(*session_->NextAnswer());
  xds::DeltaDiscoveryRequest request;
  request.set_type_url(std::string(StreamedTypeUrls()[upstreams]));
  request.add_resource_names_unsubscribe("*");
  ASSERT_TRUE(session_->OnRequest(request));
  EXPECT_FALSE(session_->NextAnswer());
  Apply({MakeUpstream("db", {1}), MakeUpstream("other", {1})});
  const auto answer = session_->NextAnswer();
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->resources.size(), 1u);
  EXPECT_EQ(answer->resources[0]->name, "default/db");
}

TEST_F(DeltaSessionTest, ABrokenChainOfSnapshotsIsComparedAsAWhole) {
  Request(0, {"*"});
  Ack(*session_->NextAnswer());
  VisibilityIndex other{7, {}, [](const auto&) { return std::vector<model::Resource>(); }};
  other.Hold({});
  session_->OnSnapshot(other.SnapshotOf({}));
  const auto answer = session_->NextAnswer();
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->removed, ElementsAre("default/db"));
}

TEST_F(DeltaSessionTest, AnOlderSnapshotIsIgnored) {
  const auto old = index_.SnapshotOf({});
  Request(0, {"*"});
  Ack(*session_->NextAnswer());
  Apply({MakeUpstream("db", {1})});
  Ack(*session_->NextAnswer());
  session_->OnSnapshot(old);
  EXPECT_FALSE(session_->NextAnswer());
}

TEST_F(DeltaSessionTest, RequestsOfUnknownTypesThatNobodyReadsAreBounded) {
  xds::DeltaDiscoveryRequest request;
  request.set_type_url("type.googleapis.com/nobody.Knows");
  request.add_resource_names_subscribe("x");
  for (std::size_t i = 0; i < limits::kUnansweredTypeErrors; ++i) {
    ASSERT_TRUE(session_->OnRequest(request));
  }
  const auto refused = session_->OnRequest(request);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kResourceExhausted);
}

TEST_F(DeltaSessionTest, NamesThatAreTooLongAreRefused) {
  xds::DeltaDiscoveryRequest request;
  request.set_type_url(std::string(StreamedTypeUrls()[0]));
  request.add_resource_names_subscribe(std::string(limits::kSubscribedNameBytes + 1, 'n'));
  EXPECT_FALSE(session_->OnRequest(request));
}

}  // namespace
}  // namespace sluice::controlplane
