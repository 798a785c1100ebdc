// A client of the API as a program would write it, for the tests of the API.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "google/rpc/status.pb.h"
#include "sluice/v1/resources.grpc.pb.h"
#include "tests/support/eventually.h"
#include "tests/support/sample_resources.h"

namespace sluice::test {

class ApiConnection {
 public:
  explicit ApiConnection(const std::string& address) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, 256 * 1024);
    arguments.SetMaxReceiveMessageSize(-1);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channel_ = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
    stub_ = v1::ResourceService::NewStub(channel_);
  }

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  v1::ResourceService::Stub& stub() { return *stub_; }

  static void Prepare(grpc::ClientContext& context) {
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    context.set_wait_for_ready(true);
    context.AddMetadata("sluice-more-details", "1");
  }

  grpc::Status Apply(const v1::ApplyRequest& request, v1::ApplyResponse* response = nullptr) {
    grpc::ClientContext context;
    Prepare(context);
    v1::ApplyResponse ignored;
    return stub_->Apply(&context, request, response != nullptr ? response : &ignored);
  }
  template <typename... Messages>
  grpc::Status ApplyAll(const Messages&... messages) {
    v1::ApplyRequest request;
    ((*request.add_resources() = AsAny(messages)), ...);
    return Apply(request);
  }
  grpc::Status Get(const std::string& kind, const std::string& name, v1::GetResponse* response) {
    grpc::ClientContext context;
    Prepare(context);
    v1::GetRequest request;
    *request.mutable_object() = RefTo(kind, name);
    return stub_->Get(&context, request, response);
  }
  v1::ListResponse List(const std::string& kind) {
    grpc::ClientContext context;
    Prepare(context);
    v1::ListRequest request;
    request.set_kind(kind);
    v1::ListResponse response;
    stub_->List(&context, request, &response);
    return response;
  }
  grpc::Status Delete(const std::string& kind, const std::string& name) {
    grpc::ClientContext context;
    Prepare(context);
    v1::DeleteRequest request;
    *request.add_objects() = RefTo(kind, name);
    v1::DeleteResponse response;
    return stub_->Delete(&context, request, &response);
  }

 private:
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::ResourceService::Stub> stub_;
};

// An open watch, read one event at a time.
class WatchReader {
 public:
  WatchReader(ApiConnection& api, const v1::WatchRequest& request) {
    ApiConnection::Prepare(context_);
    reader_ = api.stub().Watch(&context_, request);
  }
  ~WatchReader() {
    context_.TryCancel();
    if (!finished_) reader_->Finish();
  }

  // `ADDED a`, `SYNCED`, … or the status that ended it.
  std::string Next() {
    if (!reader_->Read(&last)) return "ended: " + Status().error_message();
    std::string text = v1::WatchResponse::Event_Name(last.event());
    if (last.has_resource()) text += " " + model::Resource::FromAny(last.resource())->key().name;
    return text;
  }
  grpc::Status Status() {
    if (!finished_) status_ = reader_->Finish();
    finished_ = true;
    return status_;
  }

  v1::WatchResponse last;

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchResponse>> reader_;
  grpc::Status status_;
  bool finished_ = false;
};

// What the trailer of a refusal holds.
inline v1::Violations ViolationsOf(const grpc::Status& status) {
  google::rpc::Status details;
  v1::Violations violations;
  if (details.ParseFromString(status.error_details()) && details.details_size() == 1) {
    details.details(0).UnpackTo(&violations);
  }
  return violations;
}

}  // namespace sluice::test
