#include "tests/support/raw_peer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <utility>

#include "tests/support/eventually.h"

namespace sluice::test {

envoy::config::core::v3::Node MakeNode(const std::string& id,
                                       const std::map<std::string, std::string>& labels) {
  envoy::config::core::v3::Node node;
  node.set_id(id);
  auto& fields = *(*node.mutable_metadata()->mutable_fields())["labels"]
                      .mutable_struct_value()
                      ->mutable_fields();
  for (const auto& [key, value] : labels) fields[key].set_string_value(value);
  return node;
}

RawPeer::RawPeer(const std::shared_ptr<grpc::Channel>& channel)
    : stub_(xds::AggregatedDiscoveryService::NewStub(channel)) {
  context_.set_deadline(std::chrono::system_clock::now() + kPatience);
  stream_ = stub_->DeltaAggregatedResources(&context_);
}

RawPeer::~RawPeer() {
  if (ended_) return;
  context_.TryCancel();
  End();
}

void RawPeer::Send(const xds::DeltaDiscoveryRequest& request) { stream_->Write(request); }

void RawPeer::Subscribe(const std::string& node_id, const std::string& type, const Names& names,
                        const Versions& initial) {
  xds::DeltaDiscoveryRequest request;
  if (first_) *request.mutable_node() = MakeNode(node_id);
  first_ = false;
  request.set_type_url(type);
  request.mutable_resource_names_subscribe()->Add(names.begin(), names.end());
  request.mutable_initial_resource_versions()->insert(initial.begin(), initial.end());
  Send(request);
}

void RawPeer::Subscribe(const std::string& type, const Names& names) {
  xds::DeltaDiscoveryRequest request;
  request.set_type_url(type);
  request.mutable_resource_names_subscribe()->Add(names.begin(), names.end());
  Send(request);
}

void RawPeer::Unsubscribe(const std::string& type, const Names& names) {
  xds::DeltaDiscoveryRequest request;
  request.set_type_url(type);
  request.mutable_resource_names_unsubscribe()->Add(names.begin(), names.end());
  Send(request);
}

void RawPeer::Ack(const xds::DeltaDiscoveryResponse& answer) {
  xds::DeltaDiscoveryRequest request;
  request.set_type_url(answer.type_url());
  request.set_response_nonce(answer.nonce());
  Send(request);
}

void RawPeer::Nack(const xds::DeltaDiscoveryResponse& answer, const std::string& message) {
  xds::DeltaDiscoveryRequest request;
  request.set_type_url(answer.type_url());
  request.set_response_nonce(answer.nonce());
  request.mutable_error_detail()->set_code(grpc::StatusCode::INVALID_ARGUMENT);
  request.mutable_error_detail()->set_message(message);
  Send(request);
}

std::optional<xds::DeltaDiscoveryResponse> RawPeer::Next() {
  xds::DeltaDiscoveryResponse answer;
  if (!stream_->Read(&answer)) return std::nullopt;
  return answer;
}

xds::DeltaDiscoveryResponse RawPeer::NextAcked() {
  auto answer = Next();
  if (!answer) {
    ADD_FAILURE() << "the stream ended: " << End().error_message();
    return {};
  }
  Ack(*answer);
  return std::move(*answer);
}

bool RawPeer::Silent() {
  // Requests of unknown types are answered before anything else that waits.
  const std::string probe = "type.googleapis.com/test.Probe" + std::to_string(++probes_);
  Subscribe(probe, {"probe"});
  const auto answer = Next();
  if (answer && answer->type_url() == probe) return true;
  ADD_FAILURE() << "not silent: " << (answer ? answer->ShortDebugString() : "stream ended");
  return false;
}

grpc::Status RawPeer::End() {
  xds::DeltaDiscoveryResponse answer;
  while (stream_->Read(&answer)) {
  }
  ended_ = true;
  return stream_->Finish();
}

std::string RawPeer::Header(const std::string& key) {
  stream_->WaitForInitialMetadata();
  const auto& metadata = context_.GetServerInitialMetadata();
  const auto found = metadata.find(key);
  return found == metadata.end() ? "" : std::string(found->second.data(), found->second.size());
}

std::map<std::string, std::string> VersionsIn(const xds::DeltaDiscoveryResponse& answer) {
  std::map<std::string, std::string> versions;
  for (const auto& resource : answer.resources()) versions[resource.name()] = resource.version();
  return versions;
}

std::vector<std::string> NamesIn(const xds::DeltaDiscoveryResponse& answer) {
  std::vector<std::string> names;
  for (const auto& resource : answer.resources()) names.push_back(resource.name());
  return names;
}

std::vector<std::string> RemovedIn(const xds::DeltaDiscoveryResponse& answer) {
  return {answer.removed_resources().begin(), answer.removed_resources().end()};
}

}  // namespace sluice::test
