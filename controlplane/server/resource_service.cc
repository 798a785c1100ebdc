#include "controlplane/server/resource_service.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/base/limits.h"
#include "common/base/version.h"
#include "controlplane/api/caller.h"
#include "controlplane/api/list_page.h"
#include "controlplane/api/object_ref.h"
#include "controlplane/api/resource_view.h"
#include "controlplane/api/resource_writer.h"
#include "controlplane/api/work_queue.h"
#include "controlplane/server/caller_of.h"
#include "controlplane/server/grpc_status.h"
#include "controlplane/server/live_call.h"
#include "controlplane/server/stream_driver.h"
#include "sluice/v1/resources.grpc.pb.h"

namespace sluice::controlplane {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

std::size_t DetailBytes(const CallbackServerContext& context) {
  const auto& metadata = context.client_metadata();
  return metadata.find("sluice-more-details") == metadata.end() ? limits::kDefaultStatusDetailBytes
                                                                : limits::kStatusDetailBytes;
}

ServerUnaryReactor* Finished(CallbackServerContext* context, const grpc::Status& status) {
  ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(status);
  return reactor;
}

// Ends at once.
template <typename Response>
class RefusedStream final : public grpc::ServerWriteReactor<Response> {
 public:
  explicit RefusedStream(const grpc::Status& status) { this->Finish(status); }
  void OnDone() override { delete this; }
};

class ResourceApiService final : public ResourceApi, public v1::ResourceService::CallbackService {
 public:
  ResourceApiService(Catalog& catalog, FleetView& fleet)
      : catalog_(catalog),
        fleet_(fleet),
        view_(catalog, fleet),
        writer_(catalog),
        streams_(fleet),
        queue_(limits::kPendingWrites) {}
  ~ResourceApiService() override { Stop(); }

  void RegisterOn(grpc::ServerBuilder& builder) override {
    // Room above the limit, so that going over it is answered with words that help.
    builder.SetMaxReceiveMessageSize(static_cast<int>(limits::kApiMessageBytes * 2));
    builder.SetMaxSendMessageSize(-1);
    builder.RegisterService(this);
  }

  void Stop() override {
    streams_.Stop();
    queue_.Stop();
  }

  ServerUnaryReactor* Apply(CallbackServerContext* context, const v1::ApplyRequest* request,
                            v1::ApplyResponse* response) override {
    if (auto may = MayCall(*context, Verb::kWrite); !may) return Refused(context, may.error());
    return InQueue(context, *request, [=, this]() -> Answer<void> {
      auto applied = writer_.Apply(*request, CallerOf(*context));
      if (!applied) return tl::unexpected(applied.error());
      response->set_generation(applied->generation);
      for (const ApplyPlan::Result& result : applied->results) {
        v1::ApplyResponse::Result& answer = *response->add_results();
        *answer.mutable_object() = RefOf(result.resource->key());
        answer.set_outcome(result.outcome);
        *answer.mutable_resource() = view_.Render(*result.resource);
      }
      return {};
    });
  }

  ServerUnaryReactor* Delete(CallbackServerContext* context, const v1::DeleteRequest* request,
                             v1::DeleteResponse* response) override {
    if (auto may = MayCall(*context, Verb::kWrite); !may) return Refused(context, may.error());
    return InQueue(context, *request, [=, this]() -> Answer<void> {
      auto generation = writer_.Delete(*request, CallerOf(*context));
      if (!generation) return tl::unexpected(generation.error());
      response->set_generation(*generation);
      return {};
    });
  }

  ServerUnaryReactor* Get(CallbackServerContext* context, const v1::GetRequest* request,
                          v1::GetResponse* response) override {
    if (auto may = MayCall(*context, Verb::kRead); !may) return Refused(context, may.error());
    auto key = KeyOf(request->object());
    if (!key) return Refused(context, key.error());
    auto found = view_.Find(*key);
    if (!found) {
      return Refused(context, {ErrorCode::kNotFound, fmt::format("{} not found", key->Text())});
    }
    *response->mutable_resource() = std::move(*found);
    return Finished(context, grpc::Status::OK);
  }

  ServerUnaryReactor* List(CallbackServerContext* context, const v1::ListRequest* request,
                           v1::ListResponse* response) override {
    if (auto may = MayCall(*context, Verb::kRead); !may) return Refused(context, may.error());
    auto page = ListPage(*request, view_);
    if (!page) return Refused(context, page.error());
    *response = std::move(*page);
    return Finished(context, grpc::Status::OK);
  }

  ServerUnaryReactor* GetServerInfo(CallbackServerContext* context, const v1::GetServerInfoRequest*,
                                    v1::GetServerInfoResponse* response) override {
    if (auto may = MayCall(*context, Verb::kRead); !may) return Refused(context, may.error());
    response->set_version(std::string(kVersion));
    response->set_generation(catalog_.Current()->generation);
    return Finished(context, grpc::Status::OK);
  }

  grpc::ServerWriteReactor<v1::WatchResponse>* Watch(CallbackServerContext* context,
                                                     const v1::WatchRequest* request) override {
    if (auto may = MayCall(*context, Verb::kRead); !may) {
      return new RefusedStream<v1::WatchResponse>(GrpcStatus(may.error(), DetailBytes(*context)));
    }
    return StartWatchCall(*request, catalog_, fleet_, streams_, queue_);
  }

  grpc::ServerWriteReactor<v1::RolloutResponse>* Rollout(
      CallbackServerContext* context, const v1::RolloutRequest* request) override {
    if (auto may = MayCall(*context, Verb::kRead); !may) {
      return new RefusedStream<v1::RolloutResponse>(GrpcStatus(may.error(), DetailBytes(*context)));
    }
    return StartRolloutCall(*request, catalog_, fleet_, streams_);
  }

 private:
  static Answer<void> MayCall(const CallbackServerContext& context, Verb verb) {
    auto may = Authorize(CallerOf(context), {verb});
    if (!may) return tl::unexpected(Refusal{may.error().code, may.error().message});
    return {};
  }

  static ServerUnaryReactor* Refused(CallbackServerContext* context, const Refusal& refusal) {
    return Finished(context, GrpcStatus(refusal, DetailBytes(*context)));
  }

  // The request, the response and the context live until the reactor has finished.
  ServerUnaryReactor* InQueue(CallbackServerContext* context,
                              const google::protobuf::Message& request,
                              std::function<Answer<void>()> work) {
    const std::size_t bytes = request.ByteSizeLong();
    if (bytes > limits::kApiMessageBytes) {
      return Refused(context,
                     {ErrorCode::kResourceExhausted,
                      fmt::format("a request has at most {} bytes, got {}; split the batch",
                                  limits::kApiMessageBytes, bytes)});
    }
    ServerUnaryReactor* reactor = context->DefaultReactor();
    const bool posted = queue_.Post([=, work = std::move(work)] {
      if (context->IsCancelled()) {
        reactor->Finish(grpc::Status::CANCELLED);
        return;
      }
      const auto done = work();
      reactor->Finish(done ? grpc::Status::OK : GrpcStatus(done.error(), DetailBytes(*context)));
    });
    if (!posted) {
      reactor->Finish(
          {grpc::StatusCode::UNAVAILABLE,
           "too many changes are waiting, or the control plane is stopping; try again"});
    }
    return reactor;
  }

  Catalog& catalog_;
  FleetView& fleet_;
  const ResourceView view_;
  ResourceWriter writer_;
  StreamDriver streams_;
  WorkQueue queue_;
};

}  // namespace

std::unique_ptr<ResourceApi> MakeResourceApi(Catalog& catalog, FleetView& fleet) {
  return std::make_unique<ResourceApiService>(catalog, fleet);
}

}  // namespace sluice::controlplane
