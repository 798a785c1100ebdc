// What a control plane answers on a discovery stream, for tests that play one.
#pragma once

#include <google/protobuf/message.h>

#include <cstdint>
#include <string>
#include <vector>

#include "common/model/generation_digest.h"
#include "envoy/service/discovery/v3/discovery.pb.h"

namespace sluice::test {

using DeltaResponse = envoy::service::discovery::v3::DeltaDiscoveryResponse;

DeltaResponse ResponseOf(const std::string& type_url, const std::string& nonce);
// `message` is a resource; its name on the stream is `default/a`.
void AddResource(DeltaResponse& response, const google::protobuf::Message& message,
                 const std::string& version);
// One resource; the nonce is its name and version: `a1`.
DeltaResponse ResponseWith(const google::protobuf::Message& message, const std::string& version);
// The Generation over all that the server has.
DeltaResponse GenerationOver(const std::vector<model::DigestEntry>& entries, std::int64_t number);

}  // namespace sluice::test
