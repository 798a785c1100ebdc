#include "tests/support/delta_response.h"

#include "sluice/v1/generation.pb.h"
#include "tests/support/sample_resources.h"

namespace sluice::test {
namespace {

void AddNamed(DeltaResponse& response, const std::string& name,
              const google::protobuf::Message& message, const std::string& version) {
  auto& resource = *response.add_resources();
  resource.set_name(name);
  resource.set_version(version);
  resource.mutable_resource()->PackFrom(message);
}

}  // namespace

DeltaResponse ResponseOf(const std::string& type_url, const std::string& nonce) {
  DeltaResponse response;
  response.set_type_url(type_url);
  response.set_nonce(nonce);
  return response;
}

void AddResource(DeltaResponse& response, const google::protobuf::Message& message,
                 const std::string& version) {
  AddNamed(response, KeyOf(message).DiscoveryName(), message, version);
}

DeltaResponse ResponseWith(const google::protobuf::Message& message, const std::string& version) {
  DeltaResponse response = ResponseOf(AsAny(message).type_url(), KeyOf(message).name + version);
  AddResource(response, message, version);
  return response;
}

DeltaResponse GenerationOver(const std::vector<model::DigestEntry>& entries, std::int64_t number) {
  v1::Generation generation;
  generation.set_number(number);
  generation.set_digest(model::GenerationDigest(entries));
  const std::string text = std::to_string(number);
  DeltaResponse response = ResponseOf(std::string(model::kGenerationTypeUrl), "g" + text);
  AddNamed(response, "generation", generation, generation.digest() + text);
  return response;
}

}  // namespace sluice::test
