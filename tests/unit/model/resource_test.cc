#include "common/model/resource.h"

#include <gmock/gmock.h>

#include "sluice/v1/upstream.pb.h"
#include "tests/unit/model/from_yaml.h"

namespace sluice::model {
namespace {

TEST(Resource, BelongsToTheDefaultNamespaceUnlessItSaysOtherwise) {
  EXPECT_EQ(One("Upstream", "{}").key().Text(), "upstream/a");
  EXPECT_EQ(One("Upstream", "{}").key().DiscoveryName(), "default/a");
  EXPECT_EQ(One("Upstream", "{}", "{name: a, namespace: b}").key().Text(), "upstream/b/a");
}

TEST(Resource, KeepsItsVersionWhileWhatItSaysStays) {
  const Resource one =
      One("Upstream", "{balance: {policy: RANDOM}}", "{name: a, labels: {x: '1', y: '2'}}");
  const Resource same = One("Upstream", "{balance: {policy: RANDOM}}",
                            "{name: a, namespace: default, labels: {y: '2', x: '1'}, "
                            "resourceVersion: '9', annotations: {note: x}}");
  EXPECT_EQ(one.version(), same.version());
  EXPECT_EQ(one.version().size(), 32U);
  EXPECT_EQ(one.discovery_bytes(), same.discovery_bytes());
  EXPECT_NE(one.version(), One("Upstream", "{}", "{name: a, labels: {x: '1', y: '2'}}").version());
  EXPECT_NE(one.version(), One("Upstream", "{balance: {policy: RANDOM}}").version());
}

TEST(Resource, ComesBackFromAny) {
  const Resource one = One("Upstream", "{endpoints: [{address: '1.2.3.4:5'}]}");
  const auto back = Resource::FromAny(one.ToAny());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->key(), one.key());
  EXPECT_EQ(back->As<v1::Upstream>().spec().endpoints(0).address(), "1.2.3.4:5");
}

TEST(Resource, RefusesAnyThatIsNoResource) {
  google::protobuf::Any any;
  EXPECT_FALSE(Resource::FromAny(any));
  any.set_type_url("type.googleapis.com/sluice.v1.ObjectMeta");
  EXPECT_FALSE(Resource::FromAny(any));
  any.set_type_url("type.googleapis.com/sluice.v1.Upstream");
  any.set_value("\xff\xff");
  EXPECT_FALSE(Resource::FromAny(any));
}

TEST(ResourceKey, OrdersKindsByRankThenNamespaceThenName) {
  const ResourceKey upstream{FindKind("Upstream"), "z", "z"};
  const ResourceKey listener{FindKind("Listener"), "a", "a"};
  EXPECT_LT(upstream, listener);
  EXPECT_LT((ResourceKey{FindKind("Upstream"), "a", "z"}), upstream);
}

}  // namespace
}  // namespace sluice::model
