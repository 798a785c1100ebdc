// The protocol of a delta ADS stream, client side, without I/O: responses go in; requests and, when
// a consistent state is complete, a swap come out. xDS v3 with the generation profile of
// docs/ARCHITECTURE.md; servers without the profile are followed object by object.
//
// Refuses single resources (unparsable, wrong type, invalid, named twice in a response) by a NACK
// whose details name each of them; their valid siblings are staged all the same, and the version of
// what was refused is never announced as held. Control thread only.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/discovery/staging.h"
#include "envoy/service/discovery/v3/discovery.pb.h"

namespace sluice::dataplane {

// Initial metadata by which a server says that it closes every state with a Generation.
inline constexpr char kProfileHeader[] = "sluice-xds-profile";
inline constexpr char kGenerationProfile[] = "generation";

struct NodeIdentity {
  std::string id;
  std::map<std::string, std::string> labels;
};

class DeltaClient {
 public:
  using Request = envoy::service::discovery::v3::DeltaDiscoveryRequest;
  using Response = envoy::service::discovery::v3::DeltaDiscoveryResponse;

  struct Step {
    Request reply;
    std::optional<StagedSwap> swap;
    std::vector<v1::ResourceProblem> refused;  // Of this response.
    std::vector<std::string> server_errors;    // What the server says it cannot give, for the log.
  };

  explicit DeltaClient(NodeIdentity node) : node_(std::move(node)) {}

  Staging& staging() { return staging_; }
  const Staging& staging() const { return staging_; }

  // The requests that open a stream, one a type: the first carries the node, each all
  // subscriptions and what is held. `announce_held` false asks for everything again.
  std::vector<Request> StartStream(bool announce_held = true);
  // Before the first response. `generation_profile`: the server's metadata said so.
  void OnInitialMetadata(bool generation_profile) { atomic_ = generation_profile; }
  Step OnResponse(const Response& response);

 private:
  void TakeResources(const Response& response, Step& step);
  void TakeResource(const std::string& type_url,
                    const envoy::service::discovery::v3::Resource& wire, Step& step);
  void TakeGeneration(const Response& response, Step& step);

  const NodeIdentity node_;
  Staging staging_;
  bool atomic_ = false;  // On this stream, swaps wait for the digest of a Generation.
};

}  // namespace sluice::dataplane
