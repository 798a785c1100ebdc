// A client of the public protocol that shares no code and no proto with this project.
#include <gmock/gmock.h>

#include "sluice/v1/data_plane.pb.h"
#include "tests/integration/xds_server/discovery_replica.h"
#include "tests/support/eventually.h"
#include "tests/support/memory_store.h"
#include "tests/support/process.h"
#include "tests/support/raw_peer.h"
#include "tests/support/sample_resources.h"
#include "tests/support/source_tree.h"

namespace sluice::test {
namespace {

using testing::HasSubstr;

TEST(GenericClientTest, SubscribesReceivesAcknowledgesAndRefuses) {
  MemoryStore store;
  MemoryCatalog catalog;
  catalog.Apply({MakeUpstream("db", {1}), MakeListener({.name = "db", .upstream = "db"})});
  DiscoveryReplica replica(catalog, store);
  Process client({"/usr/bin/python3",
                  SourceFile("tests/integration/xds_server/generic_xds_client.py"),
                  replica.address(), kUpstreams});
  const auto says = [&client](const std::string& text) {
    return Eventually(
        [&] { return client.Out().find(text) != std::string::npos || !client.Running(); });
  };
  const auto problems = [&replica] {
    const auto nodes = replica.fleet().DataPlanes();
    return nodes.size() == 1 ? nodes[0].As<v1::DataPlane>().status().problems_size() : -1;
  };

  ASSERT_TRUE(says("\"acknowledged\"")) << client.Err();
  EXPECT_THAT(client.Out(), HasSubstr(MakeUpstream("db", {1}).version()));
  EXPECT_EQ(problems(), 0);

  catalog.Apply({MakeUpstream("db", {2})});
  ASSERT_TRUE(says("\"refused\"")) << client.Err();
  EXPECT_THAT(client.Out(), HasSubstr(MakeUpstream("db", {2}).version()));
  EXPECT_TRUE(Eventually([&] { return problems() == 1; })) << client.Err();

  catalog.Apply({MakeUpstream("db", {3})});
  ASSERT_TRUE(says("\"ended\"")) << client.Err();
  EXPECT_THAT(client.Out(), HasSubstr(MakeUpstream("db", {3}).version()));
  EXPECT_THAT(client.Out(), HasSubstr("\"OK\""));
  EXPECT_THAT(client.Out(), testing::Not(HasSubstr("unexpected")));
  EXPECT_EQ(client.Wait(), 0) << client.Err();
}

}  // namespace
}  // namespace sluice::test
