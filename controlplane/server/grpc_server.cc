#include "controlplane/server/grpc_server.h"

#include <fmt/format.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <algorithm>
#include <limits>
#include <mutex>
#include <utility>

#include "common/base/bind_probe.h"
#include "common/base/descriptor_limit.h"
#include "common/base/limits.h"
#include "common/log/event_log.h"

namespace sluice::controlplane {
namespace {

ConnectionBounds BoundsOf(const GrpcServerOptions& options) {
  const std::size_t descriptors = DescriptorLimit();
  const std::size_t shared =
      descriptors - std::min(limits::kReservedDescriptors * 2, descriptors / 2);
  const std::size_t open = std::min(options.connections, shared * options.descriptor_share / 100);
  return {.open = std::max<std::size_t>(open, 1),
          .open_a_peer = std::max<std::size_t>(open / limits::kPeerConnectionsPart, 1),
          .silent_time = limits::kSilentTime};
}

// A well-behaved client is far below: a data plane has two calls, which it resets when it leaves.
PortFrameBounds FramesOf(const GrpcServerOptions& options) {
  constexpr double kUnbounded = 1e18;
  constexpr std::size_t kNoBound = std::numeric_limits<std::size_t>::max();
  FrameBounds connection{.header_block_bytes = limits::kCallHeaderBytes,
                         .header_block_frames = limits::kCallHeaderFrames,
                         .resets = {200, 100},
                         .calls = {10'000, 4'000},
                         .idle_frames = {10'000, 5'000},
                         .unfinished_calls = limits::kConcurrentCalls,
                         .unfinished_call_bytes = kNoBound};
  // Whoever says all there is to a call says it at once.
  if (options.calls_end) connection.unfinished_calls = limits::kConcurrentCalls / 4;
  FrameBounds peer = connection;
  peer.resets = {2'000, 200};
  peer.calls = {50'000, 4'000};
  peer.idle_frames = {200'000, 50'000};
  // Two of a data plane.
  peer.unfinished_calls = 2 * options.connections / limits::kPeerConnectionsPart;
  if (options.calls_end) peer.unfinished_call_bytes = limits::kUnfinishedBytesOfAPeer;
  FrameBounds port = connection;
  port.resets = port.calls = port.idle_frames = {kUnbounded, kUnbounded};
  port.unfinished_calls = 2 * options.connections;
  if (options.calls_end) port.unfinished_call_bytes = limits::kUnfinishedBytes;
  // A client that is broken, and not an attack, waits longer than this before it comes back.
  return {connection, peer, port, /*cuts=*/{20, 1}};
}

int Milliseconds(std::chrono::milliseconds time) { return static_cast<int>(time.count()); }

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

GrpcServer::GrpcServer(std::unique_ptr<grpc::Server> server, std::unique_ptr<ConnectionGate> gate,
                       SocketAddress address)
    : server_(std::move(server)), gate_(std::move(gate)), address_(std::move(address)) {
  server_->GetHealthCheckService()->SetServingStatus(true);
}

GrpcServer::~GrpcServer() { Stop(std::chrono::milliseconds(0)); }

void GrpcServer::Stop(std::chrono::milliseconds patience) {
  if (server_ == nullptr) return;
  server_->GetHealthCheckService()->Shutdown();
  gate_.reset();
  server_->Shutdown(std::chrono::system_clock::now() + patience);
  server_->Wait();
  server_.reset();
}

Result<std::unique_ptr<GrpcServer>> GrpcServer::Start(const GrpcServerOptions& options) {
  SetUpGrpcOnce();
  const auto cannot_listen = [&options](const std::string& why) {
    return Fail(
        ErrorCode::kFailedPrecondition,
        fmt::format("`{}`: cannot listen on {}: {}", options.flag, options.address.Text(), why));
  };
  auto listening = Listen(options.address, limits::kGrpcBacklog);
  if (!listening) return cannot_listen(BindProblemText(listening.error()));
  const SocketAddress address = listening->address;

  grpc::ServerBuilder builder;
  const std::shared_ptr acceptor = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      grpc::InsecureServerCredentials());
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, limits::kConcurrentCalls);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE,
                             static_cast<int>(limits::kCallHeaderBytes));
  // A peer that vanished is found out; clients may ask as often as that themselves.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // Whoever says hello and nothing more has gone soon, too.
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             Milliseconds(limits::kSilentTime));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS,
                             Milliseconds(limits::kIdleConnectionTime));
  options.register_services(builder);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) {
    SocketFile(address).Remove();
    return cannot_listen("gRPC does not start");
  }
  auto gate = ConnectionGate::Open(
      {.flag = options.flag,
       .listening = *std::move(listening),
       .bounds = BoundsOf(options),
       .frames = FramesOf(options),
       .hand_over = [acceptor](int fd) {
         grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
         connection.fd = fd;
         acceptor->HandleNewConnection(&connection);
       }});
  if (!gate) {
    server->Shutdown();
    server->Wait();
    return tl::unexpected(gate.error());
  }
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(server), *std::move(gate), address));
}

}  // namespace sluice::controlplane
