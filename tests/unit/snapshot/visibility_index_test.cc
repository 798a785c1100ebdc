#include "controlplane/snapshot/visibility_index.h"

#include <gmock/gmock.h>
#include <google/protobuf/any.pb.h>

#include <chrono>
#include <string>
#include <vector>

#include "common/model/generation_digest.h"
#include "envoy/service/discovery/v3/discovery.pb.h"
#include "sluice/v1/generation.pb.h"
#include "tests/support/sample_resources.h"

namespace sluice::controlplane {
namespace {

using test::AsChanges;
using test::MakeInvalidUpstream;
using test::MakeListener;
using test::MakePolicy;
using test::MakeSlice;
using test::MakeUpstream;
using testing::ElementsAre;
using testing::IsEmpty;

const Labels kEdge{{"role", "edge"}};
const Labels kCore{{"role", "core"}};

// `Listener default/db` for everything but the Generation, in stream order.
std::vector<std::string> NamesIn(const Snapshot& snapshot) {
  std::vector<std::string> names;
  for (TypeIndex type = 0; type < GenerationTypeIndex(); ++type) {
    const std::string url(StreamedTypeUrls()[type]);
    for (const SnapshotEntry& entry : snapshot.tables[type]->entries()) {
      names.push_back(url.substr(url.find_last_of('.') + 1) + " " + entry.item->name);
    }
  }
  return names;
}

TypeIndex TypeOf(const char* kind) { return *StreamedTypeOf(*model::FindKind(kind)); }

class VisibilityIndexTest : public testing::Test {
 protected:
  void Apply(const std::vector<model::Resource>& resources,
             const std::vector<model::ResourceKey>& deleted = {}) {
    index_.Apply(index_.generation() + 1, AsChanges(resources, deleted));
  }
  std::vector<std::string> Seen(const Labels& labels) {
    return NamesIn(*index_.SnapshotOf(labels));
  }

  VisibilityIndex index_{0, {}, [](const auto&) { return std::vector<model::Resource>(); }};
};

TEST_F(VisibilityIndexTest, ANodeSeesItsListenersAndWhatTheyReach) {
  Apply(
      {MakeUpstream("db"), MakeUpstream("cache"), MakePolicy("office"),
       MakeSlice("db-1", "db", {1}), MakeSlice("cache-1", "cache", {1}),
       MakeListener(
           {.name = "db", .upstream = "db", .node_selector = kEdge, .access_policies = {"office"}}),
       MakeListener({.name = "cache", .upstream = "cache", .node_selector = kCore})});
  index_.Hold(kEdge);
  index_.Hold(kCore);
  index_.Hold({});
  EXPECT_THAT(Seen(kEdge), ElementsAre("Upstream default/db", "AccessPolicy default/office",
                                       "EndpointSlice default/db-1", "Listener default/db"));
  EXPECT_THAT(Seen(kCore), ElementsAre("Upstream default/cache", "EndpointSlice default/cache-1",
                                       "Listener default/cache"));
  EXPECT_THAT(Seen({}), IsEmpty());
}

TEST_F(VisibilityIndexTest, LabelSetsThatTheSameSelectorsPickShareOneSnapshot) {
  Apply(
      {MakeUpstream("db"), MakeListener({.name = "db", .upstream = "db", .node_selector = kEdge})});
  const Labels other{{"role", "edge"}, {"zone", "a"}};
  index_.Hold(kEdge);
  index_.Hold(other);
  EXPECT_EQ(index_.SnapshotOf(kEdge), index_.SnapshotOf(other));
  EXPECT_EQ(index_.groups(), 1u);
}

TEST_F(VisibilityIndexTest, ANewSelectorSplitsAGroupAndItsEndMergesItAgain) {
  Apply({MakeUpstream("db"), MakeListener({.name = "db", .upstream = "db"})});
  index_.Hold(kEdge);
  index_.Hold(kCore);
  EXPECT_EQ(index_.groups(), 1u);
  const auto only_edge =
      MakeListener({.name = "edge", .upstream = "db", .node_selector = kEdge, .port = 1});
  Apply({only_edge});
  EXPECT_EQ(index_.groups(), 2u);
  EXPECT_THAT(Seen(kEdge),
              ElementsAre("Upstream default/db", "Listener default/db", "Listener default/edge"));
  EXPECT_THAT(Seen(kCore), ElementsAre("Upstream default/db", "Listener default/db"));
  Apply({}, {only_edge.key()});
  EXPECT_EQ(index_.groups(), 1u);
  EXPECT_EQ(index_.SnapshotOf(kEdge), index_.SnapshotOf(kCore));
  EXPECT_THAT(Seen(kEdge), ElementsAre("Upstream default/db", "Listener default/db"));
}

TEST_F(VisibilityIndexTest, TheLastReferenceDecides) {
  Apply({MakeUpstream("db"), MakeSlice("db-1", "db", {1}),
         MakeListener({.name = "a", .upstream = "db", .port = 1}),
         MakeListener({.name = "b", .upstream = "db", .port = 2})});
  index_.Hold({});
  Apply({}, {MakeListener({.name = "a", .upstream = "db"}).key()});
  EXPECT_THAT(Seen({}), ElementsAre("Upstream default/db", "EndpointSlice default/db-1",
                                    "Listener default/b"));
  Apply({}, {MakeListener({.name = "b", .upstream = "db"}).key()});
  EXPECT_THAT(Seen({}), IsEmpty());
}

TEST_F(VisibilityIndexTest, ObjectsBecomeVisibleInWhateverOrderTheyAreMade) {
  index_.Hold({});
  Apply({MakeListener({.name = "db", .upstream = "db"})});
  Apply({MakeSlice("db-1", "db", {1})});
  // A slice of an upstream that does not exist yet goes along: the data plane waits for the rest.
  EXPECT_THAT(Seen({}), ElementsAre("EndpointSlice default/db-1", "Listener default/db"));
  Apply({MakeUpstream("db")});
  EXPECT_THAT(Seen({}), ElementsAre("Upstream default/db", "EndpointSlice default/db-1",
                                    "Listener default/db"));
}

TEST_F(VisibilityIndexTest, ASliceThatMovesToAnotherUpstreamFollowsIt) {
  Apply({MakeUpstream("db"), MakeUpstream("hidden"), MakeSlice("s", "db", {1}),
         MakeListener({.name = "db", .upstream = "db"})});
  index_.Hold({});
  Apply({MakeSlice("s", "hidden", {1})});
  EXPECT_THAT(Seen({}), ElementsAre("Upstream default/db", "Listener default/db"));
  Apply({MakeSlice("s", "db", {2})});
  EXPECT_THAT(Seen({}),
              ElementsAre("Upstream default/db", "EndpointSlice default/s", "Listener default/db"));
}

TEST_F(VisibilityIndexTest, AnIncrementalSnapshotEqualsOneMadeFromScratch) {
  index_.Hold(kEdge);
  model::ResourceSet all;
  // A fixed pseudo-random walk over a small world.
  std::uint32_t random = 12345;
  const auto next = [&random](std::uint32_t below) {
    random = random * 1664525 + 1013904223;
    return (random >> 16) % below;
  };
  for (int step = 0; step < 500; ++step) {
    const std::string n = std::to_string(next(4));
    const std::string to = std::to_string(next(4));
    const int port = 1 + static_cast<int>(next(3));
    model::Resource made = MakeUpstream(n, {port});
    switch (next(4)) {
      case 0:
        made = MakeSlice(n, to, {port});
        break;
      case 1:
        made = MakeListener({.name = n,
                             .upstream = to,
                             .node_selector = next(2) == 0 ? kEdge : kCore,
                             .access_policies = {n},
                             .port = port});
        break;
      case 2:
        made = MakePolicy(n);
        break;
      default:
        break;
    }
    const bool deletes = next(3) == 0;
    const auto changes = deletes ? AsChanges({}, {made.key()}) : AsChanges({made});
    all = all.With(changes);
    const auto before = index_.SnapshotOf(kEdge);
    index_.Apply(index_.generation() + 1, changes);
    const auto after = index_.SnapshotOf(kEdge);

    VisibilityIndex fresh(index_.generation(), all,
                          [](const auto&) { return std::vector<model::Resource>(); });
    fresh.Hold(kEdge);
    ASSERT_EQ(NamesIn(*after), NamesIn(*fresh.SnapshotOf(kEdge))) << "step " << step;
    ASSERT_EQ(after->digest, fresh.SnapshotOf(kEdge)->digest) << "step " << step;
    ASSERT_EQ(after->parent_id, before->id);
    ASSERT_EQ(after->digest == before->digest, after->changed.empty());
  }
}

TEST_F(VisibilityIndexTest, TheGenerationDescribesTheSnapshot) {
  Apply({MakeUpstream("db"), MakeListener({.name = "db", .upstream = "db"})});
  index_.Hold({});
  const auto snapshot = index_.SnapshotOf({});
  const auto& item = *snapshot->tables.back()->entries().front().item;
  envoy::service::discovery::v3::Resource resource;
  ASSERT_TRUE(resource.ParseFromString(item.wire));
  v1::Generation generation;
  ASSERT_TRUE(resource.resource().UnpackTo(&generation));
  EXPECT_EQ(generation.number(), 1);
  EXPECT_EQ(generation.digest(),
            model::GenerationDigest({{"type.googleapis.com/sluice.v1.Listener", "default/db",
                                      MakeListener({.name = "db", .upstream = "db"}).version()},
                                     {"type.googleapis.com/sluice.v1.Upstream", "default/db",
                                      MakeUpstream("db").version()}}));
}

TEST_F(VisibilityIndexTest, AnEntryRemembersTheGenerationThatBroughtIt) {
  Apply({MakeUpstream("db"), MakeListener({.name = "db", .upstream = "db"})});
  index_.Hold({});
  Apply({MakeUpstream("db", {1})});
  Apply({MakeUpstream("unrelated")});
  EXPECT_EQ(index_.SnapshotOf({})->Find(TypeOf("Upstream"), "default/db")->since, 2);
  EXPECT_EQ(index_.SnapshotOf({})->Find(TypeOf("Listener"), "default/db")->since, 1);
}

TEST_F(VisibilityIndexTest, WhoSawADeletedObjectIsRememberedEvenWhenItsGroupMerges) {
  const auto listener = MakeListener({.name = "edge", .upstream = "db", .node_selector = kEdge});
  Apply({MakeUpstream("db"), listener});
  index_.Hold(kCore);
  index_.Hold(kEdge);
  Apply({}, {listener.key()});
  EXPECT_TRUE(index_.SnapshotOf(kEdge)->SeenSince(TypeOf("Listener"), "default/edge", 2, kEdge));
  EXPECT_FALSE(index_.SnapshotOf(kCore)->SeenSince(TypeOf("Listener"), "default/edge", 2, kCore));
  Apply({MakeUpstream("db", {1})});
  EXPECT_TRUE(index_.SnapshotOf(kEdge)->SeenSince(TypeOf("Listener"), "default/edge", 2, kEdge));
  EXPECT_FALSE(index_.SnapshotOf(kEdge)->SeenSince(TypeOf("Listener"), "default/edge", 3, kEdge));
}

TEST_F(VisibilityIndexTest, AMemberThatASelectorSeparatesIsKnownToHaveLostWhatItSaw) {
  Apply({MakeUpstream("db"), MakeListener({.name = "db", .upstream = "db"})});
  index_.Hold(kEdge);
  index_.Hold(kCore);
  Apply({MakeListener({.name = "db", .upstream = "db", .node_selector = kEdge})});
  EXPECT_THAT(Seen(kCore), IsEmpty());
  EXPECT_TRUE(index_.SnapshotOf(kCore)->SeenSince(TypeOf("Listener"), "default/db", 2, kCore));
  EXPECT_THAT(Seen(kEdge), ElementsAre("Upstream default/db", "Listener default/db"));
}

TEST_F(VisibilityIndexTest, AnInvalidObjectKeepsTheFormBeforeAndItsSiblingsFlow) {
  Apply({MakeUpstream("db"), MakeListener({.name = "db", .upstream = "db"})});
  index_.Hold({});
  Apply({MakeInvalidUpstream("db"), MakeListener({.name = "db", .upstream = "db", .port = 15432})});
  const auto snapshot = index_.SnapshotOf({});
  EXPECT_EQ(snapshot->Find(TypeOf("Upstream"), "default/db")->item->version,
            MakeUpstream("db").version());
  EXPECT_EQ(snapshot->Find(TypeOf("Listener"), "default/db")->since, 2);
  const auto left_out = index_.LeftOut(MakeUpstream("db").key());
  ASSERT_TRUE(left_out);
  EXPECT_TRUE(left_out->earlier_form_served);
  EXPECT_FALSE(left_out->violations.empty());
  Apply({MakeUpstream("db", {2})});
  EXPECT_FALSE(index_.LeftOut(MakeUpstream("db").key()));
}

TEST_F(VisibilityIndexTest, OneChangeAmongThousandsTouchesOneEntry) {
  std::vector<model::Resource> resources;
  for (int i = 0; i < 1000; ++i) {
    const std::string name = "n" + std::to_string(i);
    resources.push_back(MakeUpstream(name));
    resources.push_back(MakeListener({.name = name, .upstream = name, .port = 1 + i}));
  }
  Apply(resources);
  index_.Hold({});
  const auto before = index_.SnapshotOf({});
  const auto start = std::chrono::steady_clock::now();
  Apply({MakeUpstream("n500", {1})});
  const auto took = std::chrono::steady_clock::now() - start;
  RecordProperty("microseconds", std::to_string(took / std::chrono::microseconds(1)));
  const auto after = index_.SnapshotOf({});
  ASSERT_EQ(after->changed.size(), 1u);
  EXPECT_EQ(after->changed[0].name, "default/n500");
  EXPECT_EQ(after->tables[TypeOf("Listener")], before->tables[TypeOf("Listener")]);
}

}  // namespace
}  // namespace sluice::controlplane
