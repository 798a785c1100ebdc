// NodeStatusService as a data plane uses it.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>

#include "sluice/v1/data_plane.pb.h"
#include "sluice/v1/node_status.grpc.pb.h"
#include "tests/integration/xds_server/discovery_replica.h"
#include "tests/support/eventually.h"
#include "tests/support/memory_store.h"
#include "tests/support/sample_resources.h"

namespace sluice::test {
namespace {

class NodeStatusTest : public testing::Test {
 protected:
  NodeStatusTest() : replica_(catalog_, store_) {
    stub_ = v1::NodeStatusService::NewStub(replica_.Connect());
    context_.set_deadline(std::chrono::system_clock::now() + kPatience);
    stream_ = stub_->Report(&context_);
  }

  static v1::NodeReport Report(const std::string& node, std::int64_t generation) {
    v1::NodeReport report;
    report.set_node_id(node);
    report.set_active_generation(generation);
    return report;
  }

  MemoryStore store_;
  MemoryCatalog catalog_;
  DiscoveryReplica replica_;
  grpc::ClientContext context_;
  std::unique_ptr<v1::NodeStatusService::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::NodeReport, v1::NodeReportAck>> stream_;
};

TEST_F(NodeStatusTest, AReportIsTakenInBeforeItIsAcknowledged) {
  v1::NodeReportAck ack;
  for (const std::int64_t generation : {1, 2, 3}) {
    ASSERT_TRUE(stream_->Write(Report("n1", generation)));
    ASSERT_TRUE(stream_->Read(&ack));
    const auto nodes = replica_.fleet().DataPlanes();
    ASSERT_EQ(nodes.size(), 1u);
    EXPECT_EQ(nodes[0].As<v1::DataPlane>().status().active_generation(), generation);
  }
  stream_->WritesDone();
  EXPECT_FALSE(stream_->Read(&ack));
  EXPECT_TRUE(stream_->Finish().ok());
  EXPECT_TRUE(Eventually([&] {
    return replica_.fleet().DataPlanes()[0].As<v1::DataPlane>().status().conditions(0).status() ==
           v1::Condition::FALSE;
  }));
}

TEST_F(NodeStatusTest, AReportOfAnotherNodeEndsTheStream) {
  v1::NodeReportAck ack;
  ASSERT_TRUE(stream_->Write(Report("n1", 1)));
  ASSERT_TRUE(stream_->Read(&ack));
  ASSERT_TRUE(stream_->Write(Report("n2", 1)));
  EXPECT_FALSE(stream_->Read(&ack));
  EXPECT_EQ(stream_->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(replica_.fleet().DataPlanes().size(), 1u);
}

TEST_F(NodeStatusTest, AReportWithoutANodeIsRefused) {
  v1::NodeReportAck ack;
  ASSERT_TRUE(stream_->Write(Report("", 1)));
  EXPECT_FALSE(stream_->Read(&ack));
  EXPECT_EQ(stream_->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace sluice::test
