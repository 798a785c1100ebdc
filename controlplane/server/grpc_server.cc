#include "controlplane/server/grpc_server.h"

#include <fmt/format.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <mutex>

#include "common/base/bind_probe.h"
#include "common/base/limits.h"
#include "common/log/event_log.h"

namespace sluice::controlplane {
namespace {

// gRPC says neither why it could not bind, nor does it leave a unix socket alone that is in use: so
// that is found out first.
Result<void> TryToBind(const std::string& flag, const SocketAddress& address) {
  const int error = BindProblem(SocketKind::kStream, address);
  if (error == 0) return {};
  return Fail(ErrorCode::kFailedPrecondition, fmt::format("`{}`: cannot listen on {}: {}", flag,
                                                          address.Text(), BindProblemText(error)));
}

void PassGrpcLogOn(gpr_log_func_args* line) {
  LogEvent(LogLevel::kDebug, "grpc", {{"message", line->message}});
}

void SetUpGrpcOnce() {
  static std::once_flag once;
  std::call_once(once, [] {
    gpr_set_log_function(PassGrpcLogOn);
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  });
}

}  // namespace

GrpcServer::GrpcServer(std::unique_ptr<grpc::Server> server, SocketAddress address)
    : server_(std::move(server)), address_(std::move(address)) {
  server_->GetHealthCheckService()->SetServingStatus(true);
}

GrpcServer::~GrpcServer() { Stop(std::chrono::milliseconds(0)); }

void GrpcServer::Stop(std::chrono::milliseconds patience) {
  if (server_ == nullptr) return;
  server_->GetHealthCheckService()->Shutdown();
  server_->Shutdown(std::chrono::system_clock::now() + patience);
  server_->Wait();
  server_.reset();
}

Result<std::unique_ptr<GrpcServer>> GrpcServer::Start(const GrpcServerOptions& options) {
  SetUpGrpcOnce();
  if (auto possible = TryToBind(options.flag, options.address); !possible) {
    return tl::unexpected(possible.error());
  }
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(options.address.Text(), grpc::InsecureServerCredentials(), &port);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                             static_cast<int>(limits::kWatchStreams));
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 64 * 1024);
  // A peer that vanished is found out; clients may ask as often as that themselves.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  options.register_services(builder);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) {
    return Fail(ErrorCode::kFailedPrecondition,
                fmt::format("`{}`: cannot listen on {}", options.flag, options.address.Text()));
  }
  const SocketAddress bound = options.address.is_unix()
                                  ? options.address
                                  : options.address.WithPort(static_cast<std::uint16_t>(port));
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(server), bound));
}

}  // namespace sluice::controlplane
