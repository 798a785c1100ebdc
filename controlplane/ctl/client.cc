#include "controlplane/ctl/client.h"

#include <fmt/format.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>

#include "common/base/limits.h"
#include "common/base/text_format.h"
#include "controlplane/ctl/connection_text.h"
#include "sluice/v1/resources.grpc.pb.h"

namespace sluice::ctl {
namespace {

// Holds the violations of a refused request, in base64, and whatever else is in a trailer.
constexpr int kMetadataBytes = 2 * static_cast<int>(limits::kStatusDetailBytes);

void AddViolations(const grpc::Status& status, CallError& failure) {
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return;
  for (const auto& detail : details.details()) {
    v1::Violations violations;
    if (!detail.UnpackTo(&violations)) continue;
    failure.violations.assign(violations.violations().begin(), violations.violations().end());
    failure.violations_total = static_cast<std::size_t>(std::max(violations.total(), 0));
  }
}

}  // namespace

struct Client::Connection {
  ServerAddress server;
  std::chrono::nanoseconds request_timeout;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::ResourceService::Stub> stub;

  void Limit(grpc::ClientContext& context) const {
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::duration_cast<std::chrono::microseconds>(request_timeout));
    // The channel takes that much: see kMetadataBytes.
    context.AddMetadata("sluice-more-details", "1");
  }

  CallError Failure(const grpc::Status& status) const {
    CallError failure{.error = {NearestErrorCode(status.error_code()), status.error_message()}};
    std::string& message = failure.error.message;
    if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
      message = NoAnswerText(server, FormatDuration(request_timeout));
      failure.may_be_done = true;
    } else if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
      message = UnavailableText(server, status.error_message());
      failure.may_be_done = !NeverConnected(status.error_message());
    } else if (status.error_code() == grpc::StatusCode::CANCELLED) {
      // By the server: what we end ourselves is not asked for its status.
      failure.error = {ErrorCode::kUnavailable, "the control plane ended the call as it stopped"};
      failure.may_be_done = true;
    } else if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) {
      message = NotThisApiText(server, status.error_message());
    }
    AddViolations(status, failure);
    return failure;
  }

  template <typename Response, typename Request>
  Answer<Response> Call(grpc::Status (v1::ResourceService::Stub::*method)(grpc::ClientContext*,
                                                                          const Request&,
                                                                          Response*),
                        const Request& request) const {
    grpc::ClientContext context;
    Limit(context);
    Response response;
    const grpc::Status status = (stub.get()->*method)(&context, request, &response);
    if (!status.ok()) return tl::unexpected(Failure(status));
    return response;
  }

  // A call that changes something.
  template <typename Response, typename Method, typename Request>
  Answer<Response> Change(Method method, const Request& request) const {
    auto answer = Call<Response>(method, request);
    if (request.dry_run() && !answer) answer.error().may_be_done = false;
    if (!answer && answer.error().may_be_done) answer.error().error.message += UnknownOutcomeText();
    return answer;
  }

  template <typename Message>
  Answer<void> Read(grpc::ClientContext& context, grpc::ClientReader<Message>& reader,
                    const std::function<bool(const Message&)>& visit) const {
    Message message;
    while (reader.Read(&message)) {
      if (visit(message)) continue;
      context.TryCancel();
      while (reader.Read(&message)) {
      }
      reader.Finish();
      return {};
    }
    const grpc::Status status = reader.Finish();
    if (!status.ok()) return tl::unexpected(Failure(status));
    return {};
  }
};

Client::Client(ServerAddress server, std::chrono::nanoseconds request_timeout)
    : connection_(std::make_unique<Connection>()) {
  grpc::ChannelArguments arguments;
  // An answer to Apply carries the objects as they are stored, so it is longer than the request.
  arguments.SetMaxReceiveMessageSize(2 * static_cast<int>(limits::kApiMessageBytes));
  arguments.SetMaxSendMessageSize(static_cast<int>(limits::kApiMessageBytes));
  arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, kMetadataBytes);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);  // A control plane is not behind a web proxy.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  connection_->channel =
      grpc::CreateCustomChannel(server.target, grpc::InsecureChannelCredentials(), arguments);
  connection_->stub = v1::ResourceService::NewStub(connection_->channel);
  connection_->server = std::move(server);
  connection_->request_timeout = request_timeout;
}

Client::~Client() = default;

Answer<v1::ApplyResponse> Client::Apply(const v1::ApplyRequest& request) {
  return connection_->Change<v1::ApplyResponse>(&v1::ResourceService::Stub::Apply, request);
}

Answer<v1::DeleteResponse> Client::Delete(const v1::DeleteRequest& request) {
  return connection_->Change<v1::DeleteResponse>(&v1::ResourceService::Stub::Delete, request);
}

Answer<v1::GetServerInfoResponse> Client::ServerInfo() {
  return connection_->Call(&v1::ResourceService::Stub::GetServerInfo, v1::GetServerInfoRequest());
}

Answer<model::Resource> Client::Get(const v1::ObjectRef& object) {
  v1::GetRequest request;
  *request.mutable_object() = object;
  auto response = connection_->Call(&v1::ResourceService::Stub::Get, request);
  if (!response) return tl::unexpected(std::move(response.error()));
  auto resource = model::Resource::FromAny(response->resource());
  if (!resource) return tl::unexpected(CallError{.error = resource.error()});
  return std::move(*resource);
}

Answer<Listing> Client::List(const model::Kind& kind, const std::string& ns,
                             const std::string& label_selector) {
  v1::ListRequest request;
  request.set_kind(std::string(kind.name));
  request.set_namespace_(ns);
  request.set_label_selector(label_selector);
  Listing listing;
  do {
    auto page = connection_->Call(&v1::ResourceService::Stub::List, request);
    if (!page) return tl::unexpected(std::move(page.error()));
    for (const auto& any : page->resources()) {
      auto resource = model::Resource::FromAny(any);
      if (!resource) return tl::unexpected(CallError{.error = resource.error()});
      listing.resources.push_back(std::move(*resource));
    }
    listing.generation = page->generation();
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return listing;
}

// Calls that fail at once do not drive the channel's attempts to connect: between them these would
// stand still for seconds.
void Client::AwaitConnection(Deadline deadline) {
  connection_->channel->WaitForConnected(deadline);
}

Answer<void> Client::Watch(const v1::WatchRequest& request, Deadline deadline,
                           const std::function<bool(const v1::WatchResponse&)>& visit) {
  grpc::ClientContext context;
  context.set_deadline(deadline);
  const auto reader = connection_->stub->Watch(&context, request);
  return connection_->Read(context, *reader, visit);
}

Answer<void> Client::Rollout(const v1::RolloutRequest& request, Deadline deadline,
                             const std::function<bool(const v1::RolloutResponse&)>& visit) {
  grpc::ClientContext context;
  context.set_deadline(deadline);
  const auto reader = connection_->stub->Rollout(&context, request);
  return connection_->Read(context, *reader, visit);
}

}  // namespace sluice::ctl
