#include "tests/support/api_client.h"

#include <grpcpp/grpcpp.h>

#include "common/manifest/manifest.h"
#include "sluice/v1/data_plane.pb.h"
#include "sluice/v1/resources.grpc.pb.h"

namespace sluice::test {

struct ApiClient::Stub {
  std::unique_ptr<v1::ResourceService::Stub> service;
};

ApiClient::ApiClient(const std::string& api) : stub_(std::make_unique<Stub>()) {
  stub_->service = v1::ResourceService::NewStub(
      grpc::CreateChannel("ipv4:" + api, grpc::InsecureChannelCredentials()));
}

ApiClient::~ApiClient() = default;

std::int64_t ApiClient::Apply(const std::string& yaml) {
  manifest::ParseOutcome parsed = manifest::ParseManifest(yaml, "test.yaml");
  if (!parsed.diagnostics.empty()) {
    last_error_ = parsed.diagnostics.front().Text();
    return -1;
  }
  v1::ApplyRequest request;
  for (const manifest::Document& document : parsed.documents) {
    *request.add_resources() = document.resource.ToAny();
  }
  grpc::ClientContext context;
  v1::ApplyResponse response;
  const grpc::Status status = stub_->service->Apply(&context, request, &response);
  if (!status.ok()) {
    last_error_ = status.error_message();
    return -1;
  }
  return response.generation();
}

std::int64_t ApiClient::ActiveGeneration(const std::string& node) {
  v1::GetRequest request;
  request.mutable_object()->set_kind("DataPlane");
  request.mutable_object()->set_name(node);
  grpc::ClientContext context;
  v1::GetResponse response;
  const grpc::Status status = stub_->service->Get(&context, request, &response);
  v1::DataPlane data_plane;
  if (!status.ok() || !response.resource().UnpackTo(&data_plane)) {
    last_error_ = status.error_message();
    return -1;
  }
  return data_plane.status().active_generation();
}

}  // namespace sluice::test
