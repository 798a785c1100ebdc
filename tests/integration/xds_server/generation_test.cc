// Consistent states on the wire: the order of types, the Generation that closes each, coalescing.
#include <gmock/gmock.h>

#include <thread>

#include "common/base/limits.h"
#include "common/model/generation_digest.h"
#include "sluice/v1/generation.pb.h"
#include "tests/integration/xds_server/discovery_replica.h"
#include "tests/support/memory_store.h"
#include "tests/support/raw_peer.h"
#include "tests/support/sample_resources.h"

namespace sluice::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

v1::Generation GenerationIn(const xds::DeltaDiscoveryResponse& answer) {
  v1::Generation generation;
  EXPECT_EQ(answer.resources_size(), 1) << answer.ShortDebugString();
  if (answer.resources_size() == 1) {
    EXPECT_TRUE(answer.resources(0).resource().UnpackTo(&generation));
  }
  return generation;
}

// What a client holds, by type and name: checks a digest as a data plane does.
class HeldResources {
 public:
  void Take(const xds::DeltaDiscoveryResponse& answer) {
    for (const auto& [name, version] : VersionsIn(answer)) held_[answer.type_url()][name] = version;
    for (const auto& name : answer.removed_resources()) held_[answer.type_url()].erase(name);
  }
  std::string Digest() const {
    std::vector<model::DigestEntry> entries;
    for (const auto& [type, names] : held_) {
      for (const auto& [name, version] : names) entries.push_back({type, name, version});
    }
    return model::GenerationDigest(entries);
  }
  std::map<std::string, std::map<std::string, std::string>> held_;
};

class GenerationTest : public testing::Test {
 protected:
  void SetUp() override {
    catalog_.Apply({MakeUpstream("db"), MakePolicy("office"), MakeSlice("db-1", "db", {1}),
                    MakeListener({.name = "db", .upstream = "db", .access_policies = {"office"}})});
    replica_.emplace(catalog_, store_);
    peer_.emplace(replica_->Connect());
  }

  // Subscribes to everything and takes it up to the Generation that closes it.
  v1::Generation SubscribeToAll() {
    for (const char* type : {kUpstreams, kPolicies, kSlices, kListeners, kGenerations}) {
      peer_->Subscribe("n1", type, {"*"});
    }
    return TakeUpToGeneration();
  }

  v1::Generation TakeUpToGeneration() {
    for (int i = 0; i < 100; ++i) {
      auto answer = peer_->NextAcked();
      if (answer.type_url() == kGenerations) {
        const auto generation = GenerationIn(answer);
        if (generation.digest() == held_.Digest()) return generation;
        continue;
      }
      held_.Take(answer);
      order_.push_back(answer.type_url());
      if (answer.type_url().empty()) break;
    }
    ADD_FAILURE() << "no Generation for what was sent";
    return {};
  }

  MemoryStore store_;
  MemoryCatalog catalog_;
  std::optional<DiscoveryReplica> replica_;
  std::optional<RawPeer> peer_;
  HeldResources held_;
  std::vector<std::string> order_;
};

TEST_F(GenerationTest, TheGenerationComesLastWithTheDigestOfWhatWasSent) {
  const v1::Generation generation = SubscribeToAll();
  EXPECT_EQ(generation.number(), 1);
  EXPECT_EQ(generation.counts().at(kUpstreams), 1);
  EXPECT_THAT(order_, ElementsAre(kUpstreams, kPolicies, kSlices, kListeners));
  EXPECT_TRUE(peer_->Silent());
}

TEST_F(GenerationTest, EveryGenerationIsAnnouncedEvenOneThatTheNodeSeesNothingOf) {
  SubscribeToAll();
  catalog_.Apply({MakeUpstream("unseen")});
  EXPECT_EQ(TakeUpToGeneration().number(), 2);
  EXPECT_THAT(order_, ElementsAre(kUpstreams, kPolicies, kSlices, kListeners));
}

TEST_F(GenerationTest, UpdatesGoDependenciesFirstAndRemovalsLastInReverse) {
  SubscribeToAll();
  order_.clear();
  catalog_.Apply({MakeUpstream("new"), MakeSlice("new-1", "new", {1}), MakePolicy("guests"),
                  MakeListener({.name = "db", .upstream = "new", .access_policies = {"guests"}})});
  EXPECT_EQ(TakeUpToGeneration().number(), 2);
  // The first four bring what is new, the rest takes what the listener no longer names.
  EXPECT_THAT(order_, ElementsAre(kUpstreams, kPolicies, kSlices, kListeners, kSlices, kPolicies,
                                  kUpstreams));
}

TEST_F(GenerationTest, AReplacedListenerIsOneAnswer) {
  SubscribeToAll();
  order_.clear();
  const auto old = MakeListener({.name = "db", .upstream = "db"});
  const auto renamed =
      MakeListener({.name = "renamed", .upstream = "db", .access_policies = {"office"}});
  ASSERT_TRUE(catalog_.Commit(1, {{old.key(), nullptr}, AsChange(renamed)}));
  EXPECT_EQ(TakeUpToGeneration().number(), 2);
  EXPECT_THAT(order_, ElementsAre(kListeners));
}

TEST_F(GenerationTest, WhatASlowClientMissesIsSentOnceInItsFinalState) {
  SubscribeToAll();
  catalog_.Apply({MakeUpstream("db", {1})});
  const auto in_flight = peer_->Next();
  ASSERT_TRUE(in_flight);
  EXPECT_EQ(in_flight->type_url(), kUpstreams);
  held_.Take(*in_flight);
  const auto closing = peer_->Next();
  ASSERT_TRUE(closing);
  EXPECT_EQ(GenerationIn(*closing).number(), 2);
  for (int port = 2; port <= 50; ++port) catalog_.Apply({MakeUpstream("db", {port})});
  // Neither of the two is acknowledged: nothing more comes.
  EXPECT_TRUE(peer_->Silent());
  peer_->Ack(*in_flight);
  const auto next = peer_->NextAcked();
  EXPECT_THAT(NamesIn(next), ElementsAre("default/db"));
  held_.Take(next);
  peer_->Ack(*closing);
  int answers = 1;
  for (auto generation = TakeUpToGeneration(); generation.number() < 51;
       generation = TakeUpToGeneration()) {
    ASSERT_LT(++answers, 10);
  }
  EXPECT_EQ(VersionsIn(next).size(), 1u);
  EXPECT_EQ(held_.held_.at(kUpstreams).at("default/db"), MakeUpstream("db", {50}).version());
}

TEST_F(GenerationTest, NoGenerationEverMixesStatesUnderConcurrentApplies) {
  SubscribeToAll();
  std::thread writer([this] {
    for (int i = 0; i < 200; ++i) {
      const int port = 1 + i;
      catalog_.Apply(
          {MakeUpstream("db", {port}), MakeSlice("db-1", "db", {port}),
           MakeListener(
               {.name = "db", .upstream = "db", .access_policies = {"office"}, .port = port})});
    }
  });
  std::int64_t last = 0;
  while (last < 201) {
    auto answer = peer_->NextAcked();
    ASSERT_FALSE(answer.type_url().empty());
    if (answer.type_url() != kGenerations) {
      held_.Take(answer);
      continue;
    }
    const auto generation = GenerationIn(answer);
    EXPECT_EQ(generation.digest(), held_.Digest()) << generation.number();
    EXPECT_GT(generation.number(), last);
    last = generation.number();
    // The three objects of one generation carry the same port.
    const int port = static_cast<int>(last) - 1;
    if (port == 0) continue;
    EXPECT_EQ(held_.held_.at(kUpstreams).at("default/db"), MakeUpstream("db", {port}).version());
    EXPECT_EQ(held_.held_.at(kSlices).at("default/db-1"),
              MakeSlice("db-1", "db", {port}).version());
  }
  writer.join();
}

TEST_F(GenerationTest, AReconnectWithWhatIsHeldIsSilent) {
  SubscribeToAll();
  auto held = held_.held_;
  RawPeer again(replica_->Connect());
  for (const char* type : {kUpstreams, kPolicies, kSlices, kListeners}) {
    again.Subscribe("n1", type, {"*"}, {held[type].begin(), held[type].end()});
  }
  EXPECT_TRUE(again.Silent());
}

TEST_F(GenerationTest, AnotherReplicaSendsExactlyWhatDiffersRemovalsIncluded) {
  SubscribeToAll();
  auto held = held_.held_;
  catalog_.Apply({MakeUpstream("db", {7})});
  catalog_.Delete({MakeSlice("db-1", "db", {}).key()});
  DiscoveryReplica other(catalog_, store_);
  RawPeer again(other.Connect());
  again.Subscribe("n1", kUpstreams, {"*"}, {held[kUpstreams].begin(), held[kUpstreams].end()});
  EXPECT_THAT(NamesIn(again.NextAcked()), ElementsAre("default/db"));
  again.Subscribe(kPolicies, {"*"});
  EXPECT_THAT(NamesIn(again.NextAcked()), ElementsAre("default/office"));
  again.Subscribe("n1", kSlices, {"*"}, {held[kSlices].begin(), held[kSlices].end()});
  const auto removal = again.NextAcked();
  EXPECT_THAT(removal.resources(), IsEmpty());
  EXPECT_THAT(RemovedIn(removal), ElementsAre("default/db-1"));
  again.Subscribe("n1", kListeners, {"*"}, {held[kListeners].begin(), held[kListeners].end()});
  EXPECT_TRUE(again.Silent());
}

TEST_F(GenerationTest, NamesThatAreRestatedOnAReconnectAreNotSentAgain) {
  peer_->Subscribe("n1", kUpstreams, {"default/db"});
  const auto held = VersionsIn(peer_->NextAcked());
  RawPeer again(replica_->Connect());
  again.Subscribe("n1", kUpstreams, {"default/db"}, held);
  EXPECT_TRUE(again.Silent());
}

TEST_F(GenerationTest, LargeStatesAreSplitBelowTheLimitOfOneAnswer) {
  std::vector<model::Resource> resources;
  std::vector<int> ports;
  for (int port = 1; port <= 1000; ++port) ports.push_back(port);
  for (int i = 0; i < 60; ++i) {
    const std::string name = "big-" + std::to_string(i);
    resources.push_back(MakeUpstream(name, ports));
    resources.push_back(MakeListener({.name = name, .upstream = name, .port = 10'000 + i}));
  }
  catalog_.Apply(resources);
  replica_->AwaitGeneration(2);
  peer_->Subscribe("n1", kUpstreams, {"*"});
  std::size_t received = 0;
  int answers = 0;
  while (received < 61) {
    const auto answer = peer_->NextAcked();
    ASSERT_FALSE(answer.type_url().empty());
    EXPECT_LE(answer.ByteSizeLong(), limits::kDiscoveryResponseBytes);
    received += VersionsIn(answer).size();
    ++answers;
  }
  EXPECT_EQ(received, 61u);
  EXPECT_GT(answers, 1);
}

}  // namespace
}  // namespace sluice::test
