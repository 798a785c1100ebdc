// What a client gets when it subscribes, and what it hears afterwards (behaviours S1–S15 of xDS).
#include <gmock/gmock.h>

#include "tests/integration/xds_server/discovery_replica.h"
#include "tests/support/memory_store.h"
#include "tests/support/raw_peer.h"
#include "tests/support/sample_resources.h"

namespace sluice::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class SubscriptionTest : public testing::Test {
 protected:
  // Two listeners with an upstream each.
  void SetUp() override {
    catalog_.Apply({MakeUpstream("db"), MakeUpstream("cache"),
                    MakeListener({.name = "db", .upstream = "db"}),
                    MakeListener({.name = "cache", .upstream = "cache", .port = 6379})});
    replica_.emplace(catalog_, store_);
    peer_.emplace(replica_->Connect());
  }

  MemoryStore store_;
  MemoryCatalog catalog_;
  std::optional<DiscoveryReplica> replica_;
  std::optional<RawPeer> peer_;
};

TEST_F(SubscriptionTest, AWildcardGivesEveryResourceOfTheTypeOnce) {
  peer_->Subscribe("n1", kUpstreams, {"*"});
  EXPECT_THAT(NamesIn(peer_->NextAcked()), ElementsAre("default/cache", "default/db"));
  EXPECT_TRUE(peer_->Silent());
}

TEST_F(SubscriptionTest, ALegacyEmptyFirstRequestIsAWildcard) {
  peer_->Subscribe("n1", kUpstreams, {});
  EXPECT_THAT(NamesIn(peer_->NextAcked()), ElementsAre("default/cache", "default/db"));
}

TEST_F(SubscriptionTest, AnEmptyRequestAfterANameIsNotAWildcard) {
  peer_->Subscribe("n1", kUpstreams, {"default/db"});
  EXPECT_THAT(NamesIn(peer_->NextAcked()), ElementsAre("default/db"));
  peer_->Subscribe(kUpstreams, {});
  EXPECT_TRUE(peer_->Silent());
}

TEST_F(SubscriptionTest, NamedSubscriptionsAddUpAndEachIsAnsweredOnce) {
  peer_->Subscribe("n1", kUpstreams, {"default/db"});
  EXPECT_THAT(NamesIn(peer_->NextAcked()), ElementsAre("default/db"));
  peer_->Subscribe(kUpstreams, {"default/cache"});
  EXPECT_THAT(NamesIn(peer_->NextAcked()), ElementsAre("default/cache"));
  EXPECT_TRUE(peer_->Silent());
  catalog_.Apply({MakeUpstream("db", {1}), MakeUpstream("cache", {1})});
  EXPECT_THAT(NamesIn(peer_->NextAcked()), ElementsAre("default/cache", "default/db"));
}

TEST_F(SubscriptionTest, AnUpdateSendsOnlyTheChangedResourceWithANewVersionAndNonce) {
  peer_->Subscribe("n1", kUpstreams, {"*"});
  const auto first = peer_->NextAcked();
  catalog_.Apply({MakeUpstream("db", {5433})});
  const auto update = peer_->NextAcked();
  EXPECT_THAT(NamesIn(update), ElementsAre("default/db"));
  EXPECT_NE(VersionsIn(update).at("default/db"), VersionsIn(first).at("default/db"));
  EXPECT_NE(update.nonce(), first.nonce());
  EXPECT_THAT(RemovedIn(update), IsEmpty());
}

TEST_F(SubscriptionTest, NothingIsSentWhileNothingChanges) {
  peer_->Subscribe("n1", kUpstreams, {"*"});
  peer_->NextAcked();
  peer_->Subscribe(kUpstreams, {});
  EXPECT_TRUE(peer_->Silent());
  // A generation that does not touch the upstreams: the next word is of the one after it.
  catalog_.Apply({MakeListener({.name = "db", .upstream = "db", .port = 15432})});
  catalog_.Apply({MakeUpstream("cache", {1})});
  EXPECT_THAT(NamesIn(peer_->NextAcked()), ElementsAre("default/cache"));
}

TEST_F(SubscriptionTest, AnUnknownNameIsAnsweredAsRemovedAndPushedOnceItExists) {
  peer_->Subscribe("n1", kUpstreams, {"default/later"});
  const auto answer = peer_->NextAcked();
  EXPECT_THAT(answer.resources(), IsEmpty());
  EXPECT_THAT(RemovedIn(answer), ElementsAre("default/later"));
  catalog_.Apply({MakeUpstream("later"), MakeListener({.name = "later", .upstream = "later"})});
  EXPECT_THAT(NamesIn(peer_->NextAcked()), ElementsAre("default/later"));
}

TEST_F(SubscriptionTest, ADeletionIsSentAndARecreationPushed) {
  peer_->Subscribe("n1", kUpstreams, {"*"});
  const auto first = peer_->NextAcked();
  const auto db = MakeUpstream("db").key();
  catalog_.Delete({db, MakeListener({.name = "db", .upstream = "db"}).key()});
  const auto removal = peer_->NextAcked();
  EXPECT_THAT(removal.resources(), IsEmpty());
  EXPECT_THAT(RemovedIn(removal), ElementsAre("default/db"));
  catalog_.Apply({MakeUpstream("db", {9}), MakeListener({.name = "db", .upstream = "db"})});
  const auto again = peer_->NextAcked();
  EXPECT_THAT(NamesIn(again), ElementsAre("default/db"));
  EXPECT_NE(VersionsIn(again).at("default/db"), VersionsIn(first).at("default/db"));
}

TEST_F(SubscriptionTest, UnsubscribingStopsUpdates) {
  peer_->Subscribe("n1", kUpstreams, {"default/db", "default/cache"});
  peer_->NextAcked();
  peer_->Unsubscribe(kUpstreams, {"default/db"});
  EXPECT_TRUE(peer_->Silent());
  catalog_.Apply({MakeUpstream("db", {1})});
  catalog_.Apply({MakeUpstream("cache", {1})});
  EXPECT_THAT(NamesIn(peer_->NextAcked()), ElementsAre("default/cache"));
}

TEST_F(SubscriptionTest, UnsubscribingFromWhatWasNeverAskedForIsIgnored) {
  peer_->Subscribe("n1", kUpstreams, {"default/db"});
  peer_->NextAcked();
  peer_->Unsubscribe(kUpstreams, {"default/cache", "default/nothing"});
  EXPECT_TRUE(peer_->Silent());
}

TEST_F(SubscriptionTest, UnsubscribingANameThatTheWildcardCoversSendsTheResourceOrItsRemoval) {
  peer_->Subscribe("n1", kUpstreams, {"*", "default/db", "default/gone"});
  const auto first = peer_->NextAcked();
  EXPECT_THAT(NamesIn(first), ElementsAre("default/cache", "default/db"));
  EXPECT_THAT(RemovedIn(first), ElementsAre("default/gone"));
  peer_->Unsubscribe(kUpstreams, {"default/db"});
  EXPECT_THAT(NamesIn(peer_->NextAcked()), ElementsAre("default/db"));
  peer_->Unsubscribe(kUpstreams, {"default/gone"});
  EXPECT_THAT(RemovedIn(peer_->NextAcked()), ElementsAre("default/gone"));
}

TEST_F(SubscriptionTest, UnsubscribingTheWildcardLeavesTheNames) {
  peer_->Subscribe("n1", kUpstreams, {"*", "default/db"});
  peer_->NextAcked();
  peer_->Unsubscribe(kUpstreams, {"*"});
  EXPECT_TRUE(peer_->Silent());
  catalog_.Apply({MakeUpstream("cache", {1})});
  catalog_.Apply({MakeUpstream("db", {1})});
  EXPECT_THAT(NamesIn(peer_->NextAcked()), ElementsAre("default/db"));
}

TEST_F(SubscriptionTest, SubscribingToAHeldNameSendsItAgain) {
  peer_->Subscribe("n1", kUpstreams, {"default/db"});
  const auto first = peer_->NextAcked();
  peer_->Subscribe(kUpstreams, {"default/db"});
  EXPECT_EQ(VersionsIn(peer_->NextAcked()), VersionsIn(first));
}

TEST_F(SubscriptionTest, AStaleNonceAcknowledgesNothingButItsSubscriptionCounts) {
  peer_->Subscribe("n1", kUpstreams, {"default/db"});
  const auto first = peer_->Next();
  ASSERT_TRUE(first);
  xds::DeltaDiscoveryRequest stale;
  stale.set_type_url(kUpstreams);
  stale.set_response_nonce("of another time");
  stale.add_resource_names_subscribe("default/cache");
  peer_->Send(stale);
  // The first answer is still in flight, so the second waits for its acknowledgement.
  EXPECT_TRUE(peer_->Silent());
  peer_->Ack(*first);
  EXPECT_THAT(NamesIn(peer_->NextAcked()), ElementsAre("default/cache"));
}

TEST_F(SubscriptionTest, AFirstWildcardRequestIsAnsweredEvenIfThereIsNothing) {
  peer_->Subscribe("n1", kSlices, {"*"});
  const auto answer = peer_->NextAcked();
  EXPECT_EQ(answer.type_url(), kSlices);
  EXPECT_THAT(answer.resources(), IsEmpty());
}

TEST_F(SubscriptionTest, TheStreamAnnouncesThatGenerationsCloseEachState) {
  peer_->Subscribe("n1", kUpstreams, {"*"});
  EXPECT_EQ(peer_->Header("sluice-xds-profile"), "generation");
}

}  // namespace
}  // namespace sluice::test
