// One listening gRPC port, for the API or for discovery: bind with a clear error, message limits,
// health, reflection, orderly stop. Start and Stop from one thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "common/base/address.h"
#include "common/base/error.h"

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
  // Health says NOT_SERVING, no new calls; waits for those under way, then cancels them.
  void Stop(std::chrono::milliseconds patience);

 private:
  GrpcServer(std::unique_ptr<grpc::Server> server, SocketAddress address);

  std::unique_ptr<grpc::Server> server_;
  const SocketAddress address_;
};

}  // namespace sluice::controlplane
