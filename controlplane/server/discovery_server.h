// The data planes' port: discovery (AggregatedDiscoveryService) and NodeStatusService. Thin gRPC
// shells around sessions and the fleet, on gRPC's callback threads; a stream that does not read
// holds up nobody but itself. Thread-safe.
#pragma once

#include <memory>
#include <string>

#include "controlplane/fleet/fleet.h"
#include "controlplane/snapshot/snapshot_feed.h"

namespace grpc {
class ServerBuilder;
}

namespace sluice::controlplane {

class DiscoveryServer {
 public:
  // Both must outlive it. `identifier` names this replica to its clients.
  DiscoveryServer(SnapshotFeed& feed, Fleet& fleet, std::string identifier);
  // After the grpc::Server that it is registered on.
  ~DiscoveryServer();

  // Both services, the message limits and keepalive: of a port of their own.
  void RegisterOn(grpc::ServerBuilder& builder);

  // Ends every stream with UNAVAILABLE and refuses new ones. Before grpc::Server::Shutdown.
  void Shutdown();

 private:
  class Services;
  const std::unique_ptr<Services> services_;
};

}  // namespace sluice::controlplane
