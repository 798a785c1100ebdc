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

TEST(Resource, KnowsItsAddressesInOrder) {
  const Resource slice = One(
      "EndpointSlice", "{upstream: u, endpoints: [{address: '[::1]:2'}, {address: 'unix:/s'}]}");
  ASSERT_EQ(slice.addresses().size(), 2U);
  EXPECT_EQ(slice.address(0).Text(), "[::1]:2");
  EXPECT_EQ(slice.address(1).Text(), "unix:/s");
  EXPECT_EQ(One("Listener", "{address: '0.0.0.0:80'}").address(0).Text(), "0.0.0.0:80");
  EXPECT_EQ(One("AccessPolicy", "{defaultAction: ALLOW}").addresses().size(), 0U);
  const Resource wrong =
      One("Upstream", "{endpoints: [{address: nowhere}, {address: '1.2.3.4:5'}]}");
  EXPECT_EQ(wrong.addresses().at(0), std::nullopt);
  EXPECT_EQ(wrong.address(1).Text(), "1.2.3.4:5");
  EXPECT_DEATH(wrong.address(0), "has_value");
}

TEST(Resource, FindsOutOnceWhatIsWrongWithIt) {
  const Resource wrong = One("Upstream", "{endpoints: [{address: nowhere}]}");
  EXPECT_EQ(Messages(wrong.violations()), Messages(Validate(wrong)));
  EXPECT_EQ(wrong.violations().size(), 1U);
  const Resource copy = wrong;
  EXPECT_EQ(&copy.violations(), &wrong.violations());

  std::unique_ptr<google::protobuf::Message> message(wrong.message().New());
  message->CopyFrom(wrong.message());
  MutableMetaOf(*message).set_resource_version("7");
  const Resource stamped = Resource::Restamped(std::move(message), wrong);
  EXPECT_EQ(&stamped.violations(), &wrong.violations());
  EXPECT_EQ(stamped.meta().resource_version(), "7");
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
