#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <random>

#include "common/model/shared_map.h"
#include "tests/support/sample_resources.h"
#include "tests/unit/model/from_yaml.h"

namespace sluice::model {
namespace {

using test::AsChange;
using testing::ElementsAre;
using testing::IsEmpty;

Resource Slice(const std::string& name, const std::string& upstream) {
  return One("EndpointSlice", "{upstream: " + upstream + "}", "{name: " + name + "}");
}
std::vector<std::string> Names(const std::vector<const Resource*>& resources) {
  std::vector<std::string> names;
  for (const Resource* resource : resources) names.push_back(resource->key().Text());
  return names;
}

const ResourceKey kUpstreamU{FindKind("Upstream"), "default", "u"};

TEST(ResourceSet, FindsWhatWasPutAndForgetsWhatWasDeleted) {
  const ResourceSet one =
      ResourceSet().With({AsChange(One("Upstream", "{}")), AsChange(Slice("s", "a"))});
  EXPECT_EQ(one.size(), 2U);
  EXPECT_NE(one.Find(*FindKind("Upstream"), "default", "a"), nullptr);
  EXPECT_EQ(one.Find(*FindKind("Upstream"), "other", "a"), nullptr);
  const ResourceSet two = one.With({{{FindKind("Upstream"), "default", "a"}, nullptr}});
  EXPECT_EQ(two.size(), 1U);
  EXPECT_EQ(two.Find(*FindKind("Upstream"), "default", "a"), nullptr);
  EXPECT_NE(one.Find(*FindKind("Upstream"), "default", "a"), nullptr)
      << "the older set must not change";
}

TEST(ResourceSet, KnowsWhoRefersToAnObjectThroughEveryChange) {
  ResourceSet set = ResourceSet().With(
      {AsChange(Slice("s2", "u")), AsChange(Slice("s1", "u")), AsChange(Slice("s3", "v"))});
  EXPECT_THAT(Names(set.Referrers(kUpstreamU)),
              ElementsAre("endpointslice/s1", "endpointslice/s2"));
  set = set.With({AsChange(Slice("s1", "v")), AsChange(Slice("s3", "u"))});
  EXPECT_THAT(Names(set.Referrers(kUpstreamU)),
              ElementsAre("endpointslice/s2", "endpointslice/s3"));
  set = set.With({{Slice("s2", "u").key(), nullptr}, {Slice("s3", "u").key(), nullptr}});
  EXPECT_THAT(set.Referrers(kUpstreamU), IsEmpty());
}

TEST(ResourceSet, NamesAReferrerOnceHoweverOftenItRefers) {
  const ResourceSet set = ResourceSet().With({AsChange(
      One("Listener",
          "{address: '1.2.3.4:5', routes: [{proxy: {upstream: u}}, {proxy: {upstream: u}}]}"))});
  EXPECT_THAT(Names(set.Referrers(kUpstreamU)), ElementsAre("listener/a"));
}

TEST(ResourceSet, AppliesChangesOfOneKeyInOrder) {
  const Resource slice = Slice("s", "u");
  const ResourceSet set =
      ResourceSet().With({AsChange(slice), {slice.key(), nullptr}, AsChange(Slice("s", "v"))});
  EXPECT_EQ(set.size(), 1U);
  EXPECT_THAT(set.Referrers(kUpstreamU), IsEmpty());
}

TEST(ResourceSet, VisitsInKeyOrder) {
  const ResourceSet set =
      ResourceSet().With({AsChange(Slice("b", "u")), AsChange(One("Upstream", "{}", "{name: z}")),
                          AsChange(Slice("a", "u"))});
  std::vector<std::string> visited;
  set.ForEach([&](const Resource& resource) { visited.push_back(resource.key().Text()); });
  EXPECT_THAT(visited, ElementsAre("upstream/z", "endpointslice/a", "endpointslice/b"));
  visited.clear();
  set.ForEachOf(*FindKind("EndpointSlice"),
                [&](const Resource& r) { visited.push_back(r.key().name); });
  EXPECT_THAT(visited, ElementsAre("a", "b"));
}

void ExpectSame(const SharedMap<int, int>& map, const std::map<int, int>& expected) {
  std::map<int, int> seen;
  map.VisitAll([&](int key, int value) { seen.emplace(key, value); });
  EXPECT_EQ(seen, expected);
  EXPECT_EQ(map.size(), expected.size());
}

TEST(SharedMap, AgreesWithAnOrdinaryMapOverRandomChangesAndNeverChangesOlderValues) {
  std::mt19937 random(7);
  SharedMap<int, int> map;
  std::map<int, int> expected;
  for (int round = 0; round < 200; ++round) {
    const SharedMap<int, int> older = map;
    const std::map<int, int> older_expected = expected;
    SharedMap<int, int>::Builder builder(map);
    for (int i = 0; i < 50; ++i) {
      const int key = static_cast<int>(random() % 2000);
      if (random() % 3 == 0) {
        builder.Erase(key);
        expected.erase(key);
      } else {
        builder.Set(key, round);
        expected[key] = round;
      }
    }
    map = std::move(builder).Build();
    ExpectSame(map, expected);
    ExpectSame(older, older_expected);
    const int probe = static_cast<int>(random() % 2000);
    std::vector<int> from;
    map.VisitFrom(probe, [&](int key, int) {
      from.push_back(key);
      return from.size() < 3;
    });
    auto reference = expected.lower_bound(probe);
    for (int key : from) ASSERT_EQ(key, (reference++)->first);
    ASSERT_EQ(map.Find(probe) != nullptr, expected.contains(probe));
  }
}

}  // namespace
}  // namespace sluice::model
