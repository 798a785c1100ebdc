// A control plane's discovery side on port 0 over a catalog in memory.
#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "controlplane/fleet/fleet.h"
#include "controlplane/server/discovery_server.h"
#include "controlplane/snapshot/snapshot_feed.h"
#include "tests/support/eventually.h"
#include "tests/support/memory_catalog.h"

namespace sluice::test {

class DiscoveryReplica {
 public:
  DiscoveryReplica(controlplane::Catalog& catalog, controlplane::Store& store)
      : feed_(catalog, store), fleet_(catalog, feed_), discovery_(feed_, fleet_, "replica") {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    discovery_.RegisterOn(builder);
    server_ = builder.BuildAndStart();
    address_ = "127.0.0.1:" + std::to_string(port);
  }

  ~DiscoveryReplica() {
    discovery_.Shutdown();
    server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(5));
    server_->Wait();
  }

  // Until what is committed is what new streams get.
  void AwaitGeneration(std::int64_t generation) {
    EXPECT_TRUE(Eventually([&] { return feed_.generation() >= generation; }));
  }

  controlplane::Fleet& fleet() { return fleet_; }
  controlplane::DiscoveryServer& discovery() { return discovery_; }
  const std::string& address() const { return address_; }
  // A connection of its own, as another process has.
  std::shared_ptr<grpc::Channel> Connect() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetMaxReceiveMessageSize(-1);
    return grpc::CreateCustomChannel(address_, grpc::InsecureChannelCredentials(), arguments);
  }

 private:
  controlplane::SnapshotFeed feed_;
  controlplane::Fleet fleet_;
  controlplane::DiscoveryServer discovery_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace sluice::test
