#include "controlplane/server/discovery_server.h"

#include <grpcpp/grpcpp.h>

#include <utility>

#include "common/base/limits.h"
#include "controlplane/discovery/delta_session.h"
#include "controlplane/server/answer_bytes.h"
#include "controlplane/server/discovery_stream.h"
#include "controlplane/server/report_stream.h"
#include "controlplane/server/stream_registry.h"
#include "envoy/service/discovery/v3/ads.grpc.pb.h"
#include "sluice/v1/node_status.grpc.pb.h"

namespace sluice::controlplane {
namespace {

namespace xds = ::envoy::service::discovery::v3;

struct DeltaProtocol {
  using Request = xds::DeltaDiscoveryRequest;
  using Session = DeltaSession;
};

using RawAdsService =
    xds::AggregatedDiscoveryService::WithRawCallbackMethod_DeltaAggregatedResources<
        xds::AggregatedDiscoveryService::Service>;

class AdsService final : public RawAdsService {
 public:
  explicit AdsService(StreamSurroundings surroundings) : surroundings_(surroundings) {}

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* DeltaAggregatedResources(
      grpc::CallbackServerContext* context) override {
    return DiscoveryStream<DeltaProtocol>::Start(surroundings_, *context);
  }

 private:
  const StreamSurroundings surroundings_;
};

class ReportService final : public v1::NodeStatusService::CallbackService {
 public:
  ReportService(Fleet& fleet, StreamRegistry& registry) : fleet_(fleet), registry_(registry) {}

  grpc::ServerBidiReactor<v1::NodeReport, v1::NodeReportAck>* Report(
      grpc::CallbackServerContext* context) override {
    return StartReportStream(CallerOf(*context), fleet_, registry_);
  }

 private:
  Fleet& fleet_;
  StreamRegistry& registry_;
};

}  // namespace

class DiscoveryServer::Services {
 public:
  Services(SnapshotFeed& feed, Fleet& fleet, std::string name)
      : encoder(std::move(name)),
        events(fleet),
        ads({feed, fleet, discovery_streams, events, encoder}),
        reports(fleet, report_streams) {}

  AnswerEncoder encoder;
  StreamRegistry discovery_streams;
  StreamRegistry report_streams;
  StreamEvents events;
  AdsService ads;
  ReportService reports;
};

DiscoveryServer::DiscoveryServer(SnapshotFeed& feed, Fleet& fleet, std::string identifier)
    : services_(std::make_unique<Services>(feed, fleet, std::move(identifier))) {}

DiscoveryServer::~DiscoveryServer() = default;

void DiscoveryServer::RegisterOn(grpc::ServerBuilder& builder) {
  builder.RegisterService(&services_->ads);
  builder.RegisterService(&services_->reports);
  // A little more than what is taken, so that a request over the limit gets our answer.
  builder.SetMaxReceiveMessageSize(
      static_cast<int>(limits::kDiscoveryRequestBytes + limits::kDiscoveryRequestBytes / 4));
  // A node that vanished without a word is noticed within half a minute.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  // Data planes ping, too.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
}

void DiscoveryServer::Shutdown() {
  services_->discovery_streams.Shutdown();
  services_->report_streams.Shutdown();
}

}  // namespace sluice::controlplane
