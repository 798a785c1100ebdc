// A scripted discovery client: sends exactly the requests a test says and shows every answer.
#pragma once

#include <grpcpp/grpcpp.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "envoy/service/discovery/v3/ads.grpc.pb.h"
#include "envoy/service/discovery/v3/discovery.pb.h"

namespace sluice::test {

namespace xds = ::envoy::service::discovery::v3;

inline constexpr char kListeners[] = "type.googleapis.com/sluice.v1.Listener";
inline constexpr char kUpstreams[] = "type.googleapis.com/sluice.v1.Upstream";
inline constexpr char kSlices[] = "type.googleapis.com/sluice.v1.EndpointSlice";
inline constexpr char kPolicies[] = "type.googleapis.com/sluice.v1.AccessPolicy";
inline constexpr char kGenerations[] = "type.googleapis.com/sluice.v1.Generation";

// The node of a first request.
envoy::config::core::v3::Node MakeNode(const std::string& id,
                                       const std::map<std::string, std::string>& labels = {});

class RawPeer {
 public:
  using Names = std::vector<std::string>;
  using Versions = std::map<std::string, std::string>;

  explicit RawPeer(const std::shared_ptr<grpc::Channel>& channel);
  ~RawPeer();  // Breaks the stream off.

  void Send(const xds::DeltaDiscoveryRequest& request);
  // The first request carries the node.
  void Subscribe(const std::string& node_id, const std::string& type, const Names& names,
                 const Versions& initial = {});
  void Subscribe(const std::string& type, const Names& names);
  void Unsubscribe(const std::string& type, const Names& names);
  void Ack(const xds::DeltaDiscoveryResponse& answer);
  void Nack(const xds::DeltaDiscoveryResponse& answer, const std::string& message);

  // The next answer; nullopt when the stream has ended. A test's patience is the limit.
  std::optional<xds::DeltaDiscoveryResponse> Next();
  // The next answer, acknowledged; a default one, and a failure, if the stream has ended.
  xds::DeltaDiscoveryResponse NextAcked();
  // Nothing has been sent until the server dealt with all requests up to now.
  bool Silent();
  // Reads up to the end of the stream.
  grpc::Status End();
  // Initial metadata of the answer side.
  std::string Header(const std::string& key);
  void CloseSending() { stream_->WritesDone(); }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<xds::AggregatedDiscoveryService::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<xds::DeltaDiscoveryRequest, xds::DeltaDiscoveryResponse>>
      stream_;
  int probes_ = 0;
  bool first_ = true;
  bool ended_ = false;
};

// Name to version of an answer's resources.
std::map<std::string, std::string> VersionsIn(const xds::DeltaDiscoveryResponse& answer);
std::vector<std::string> NamesIn(const xds::DeltaDiscoveryResponse& answer);
std::vector<std::string> RemovedIn(const xds::DeltaDiscoveryResponse& answer);

}  // namespace sluice::test
