// One listening gRPC port, for the API or for discovery: bind with a clear error, bounded
// connections (connection_gate.h), message limits, health, reflection, orderly stop. Start and Stop
// from one thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "common/base/address.h"
#include "common/base/error.h"
#include "common/base/limits.h"
#include "controlplane/server/connection_gate.h"

namespace grpc {
class Server;
class ServerBuilder;
}  // namespace grpc

namespace sluice::controlplane {

struct GrpcServerOptions {
  std::string flag;  // For errors: `--api`.
  SocketAddress address;
  // Adds the services, which must outlive the server, and their limits.
  std::function<void(grpc::ServerBuilder&)> register_services;
  // At once, of which one peer may have a part (limits::kPeerConnectionsPart). Fewer where this
  // process may have few descriptors: then `descriptor_share` of them, in percent.
  std::size_t connections = limits::kApiConnections;
  std::size_t descriptor_share = 20;
  // A client has said all there is to a call when it has begun it, so what of it is on its way can
  // be bounded. False: streams, which last.
  bool calls_end = true;
};

class GrpcServer {
 public:
  // Serves when it returns. Health says SERVING.
  static Result<std::unique_ptr<GrpcServer>> Start(const GrpcServerOptions& options);
  ~GrpcServer();  // As Stop() without patience.
  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;

  // With the port that the kernel chose for port 0.
  const SocketAddress& address() const { return address_; }
  // Thread-safe, until Stop.
  ConnectionCounts connections() const { return gate_->counts(); }
  // Health says NOT_SERVING, no new calls; waits for those under way, then cancels them.
  void Stop(std::chrono::milliseconds patience);

 private:
  GrpcServer(std::unique_ptr<grpc::Server> server, std::unique_ptr<ConnectionGate> gate,
             SocketAddress address);

  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<ConnectionGate> gate_;
  const SocketAddress address_;
};

}  // namespace sluice::controlplane
