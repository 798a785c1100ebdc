#include "dataplane/discovery/control_plane_link.h"

#include <algorithm>
#include <random>
#include <string_view>
#include <utility>

#include "common/base/limits.h"
#include "common/log/event_log.h"

namespace sluice::dataplane {
namespace {

using envoy::service::discovery::v3::AggregatedDiscoveryService;

constexpr int kConnectTimeoutMs = 5'000;
constexpr std::chrono::seconds kLeavePatience{1};
// What every gRPC server tolerates.
constexpr std::chrono::milliseconds kTolerablePings = std::chrono::minutes(5);
constexpr int kLargestResponseBytes = 4 * static_cast<int>(limits::kDiscoveryResponseBytes);

// In gRPC's words; they have changed between its versions.
bool ForbidsPings(const grpc::Status& status) {
  const std::string& message = status.error_message();
  return message.find("oo many pings") != message.npos ||
         message.find("too_many_pings") != message.npos;
}

// A channel of its own for every attempt: gRPC's shared ones would keep their own backoff.
std::shared_ptr<grpc::Channel> OpenChannel(const std::string& address,
                                           std::chrono::milliseconds ping_after,
                                           std::chrono::milliseconds ping_patience) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectTimeoutMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, static_cast<int>(ping_after.count()));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, static_cast<int>(ping_patience.count()));
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);  // As many as it takes.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(kLargestResponseBytes);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

ControlPlaneLink::ControlPlaneLink(asio::io_context& control, Settings settings, Events events)
    : control_(control),
      settings_(std::move(settings)),
      events_(std::move(events)),
      addresses_(settings_.addresses),
      backoff_(settings_.backoff, settings_.seed),
      ping_after_(settings_.ping_after),
      reconnect_timer_(control),
      drift_timer_(control),
      leave_timer_(control),
      client_(settings_.node) {
  std::mt19937_64 random(settings_.seed);
  std::shuffle(addresses_.begin(), addresses_.end(), random);
}

ControlPlaneLink::~ControlPlaneLink() {
  reporter_ = nullptr;
  if (stream_ != nullptr) stream_->Abandon();
}

void ControlPlaneLink::Start() { Connect(); }

void ControlPlaneLink::NotifyReporter() {
  if (reporter_ != nullptr) reporter_->Notify();
}

void ControlPlaneLink::Connect() {
  address_ = addresses_[next_address_++ % addresses_.size()];
  channel_ = OpenChannel(address_, ping_after_, settings_.ping_patience);
  stub_ = AggregatedDiscoveryService::NewStub(channel_);
  stream_ = std::make_shared<Stream>(
      control_,
      Stream::Events{
          .on_metadata = [this](const grpc::ClientContext& context) { OnMetadata(context); },
          .on_message = [this](const DeltaClient::Response& response) { OnResponse(response); },
          .on_closed = [this](const grpc::Status& status) { OnClosed(status); }});
  stream_->Start([this](grpc::ClientContext* context, auto* reactor) {
    stub_->async()->DeltaAggregatedResources(context, reactor);
  });
  for (DeltaClient::Request& request : client_.StartStream(announce_held_)) {
    stream_->Send(std::move(request));
  }
}

void ControlPlaneLink::OnMetadata(const grpc::ClientContext& context) {
  const auto& metadata = context.GetServerInitialMetadata();
  const auto profile = metadata.find(kProfileHeader);
  client_.OnInitialMetadata(profile != metadata.end() && profile->second == kGenerationProfile);
  LogEvent(LogLevel::kInfo, "control_plane_connected", {{"address", address_}});
  reporter_ = std::make_unique<NodeReporter>(control_, channel_, events_.make_report);
  events_.on_connected();
}

void ControlPlaneLink::OnResponse(const DeltaClient::Response& response) {
  backoff_.Reset();
  announce_held_ = true;
  DeltaClient::Step step = client_.OnResponse(response);
  stream_->Send(std::move(step.reply));
  for (const std::string& error : step.server_errors) {
    LogEvent(LogLevel::kWarning, "discovery_resource_unavailable",
             {{"type", response.type_url()}, {"message", error}});
  }
  for (const v1::ResourceProblem& problem : step.refused) {
    LogEvent(LogLevel::kError, "resource_refused",
             {{"kind", problem.kind()},
              {"name", problem.name()},
              {"version", problem.version()},
              {"reason", problem.reason()},
              {"field", problem.field()},
              {"message", problem.message()}});
  }
  const bool refused = !step.refused.empty();
  if (step.swap) {
    events_.on_swap(*std::move(step.swap));
  } else if (refused) {
    events_.on_refusals();
  }
  WatchForDrift();
  stream_->ReadNext();
}

void ControlPlaneLink::OnClosed(const grpc::Status& status) {
  stream_ = nullptr;
  reporter_ = nullptr;
  drift_timer_.cancel();
  drift_watched_ = false;
  if (!reconnects_) {
    LogEvent(LogLevel::kInfo, "control_plane_left", {{"address", address_}});
    return events_.on_disconnected();
  }
  if (ForbidsPings(status)) ping_after_ = std::max(ping_after_, kTolerablePings);
  const auto delay = backoff_.Next();
  // A server may end a stream to spread its load; only a refusal to talk at all is worth a warning.
  const LogLevel level = status.ok() ? LogLevel::kInfo : LogLevel::kWarning;
  LogEvent(level, "control_plane_disconnected",
           {{"address", address_},
            {"code", std::to_string(status.error_code())},
            {"message", status.error_message()},
            {"retry_in_ms", std::to_string(delay.count())}});
  events_.on_disconnected();
  reconnect_timer_.expires_after(delay);
  reconnect_timer_.async_wait([this](const std::error_code& error) {
    if (!error) Connect();
  });
}

void ControlPlaneLink::StopReconnecting() {
  reconnects_ = false;
  reconnect_timer_.cancel();
}

void ControlPlaneLink::Leave() {
  StopReconnecting();
  if (reporter_ == nullptr) return EndStreams();
  leave_timer_.expires_after(kLeavePatience);
  leave_timer_.async_wait([this](const std::error_code& error) {
    if (!error) EndStreams();
  });
  reporter_->WhenTold([this] { EndStreams(); });
}

void ControlPlaneLink::EndStreams() {
  leave_timer_.cancel();
  reporter_ = nullptr;
  if (stream_ != nullptr) stream_->Cancel();
}

void ControlPlaneLink::WatchForDrift() {
  if (!client_.staging().Incomplete()) {
    drift_timer_.cancel();
    drift_watched_ = false;
    return;
  }
  if (std::exchange(drift_watched_, true)) return;
  drift_timer_.expires_after(settings_.drift_patience);
  drift_timer_.async_wait([this](const std::error_code& error) {
    if (error || stream_ == nullptr) return;
    LogEvent(LogLevel::kError, "generation_incomplete",
             {{"address", address_}, {"action", "asking for everything again"}});
    announce_held_ = false;
    stream_->Cancel();
  });
}

}  // namespace sluice::dataplane
