#include "controlplane/server/live_call.h"

#include <fmt/format.h>
#include <google/protobuf/util/message_differencer.h>

#include <memory>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "common/base/mutex.h"
#include "controlplane/api/object_ref.h"
#include "controlplane/api/watch.h"
#include "controlplane/server/grpc_status.h"

namespace sluice::controlplane {
namespace {

// Writing one message at a time and finishing once. The mutex orders gRPC's callbacks, the driver's
// thread and the queue's; gRPC calls back on threads of its own, never from within its calls.
template <typename Response>
class LiveCall : public LiveStream,
                 public grpc::ServerWriteReactor<Response>,
                 public std::enable_shared_from_this<LiveCall<Response>> {
 public:
  explicit LiveCall(StreamDriver& driver) : driver_(driver) {}

  // Gives the call to the driver, which keeps it until it is done.
  void Register() {
    self_ = this->shared_from_this();
    if (driver_.Add(self_)) return;
    const MutexLock lock(mutex_);
    FinishOnce({ErrorCode::kResourceExhausted,
                fmt::format(
                    "{} watches and rollouts are open, which is the limit, or the control plane is "
                    "stopping",
                    limits::kWatchStreams)});
  }

  void Pump() final {
    const MutexLock lock(mutex_);
    PumpLocked();
  }

  void Refresh() final {
    const MutexLock lock(mutex_);
    if (finished_ || writing_) {
      refresh_again_ = true;
      return;
    }
    Look();
    PumpLocked();
  }

  void Close() final {
    const MutexLock lock(mutex_);
    FinishOnce({ErrorCode::kUnavailable, "the control plane is stopping; connect again"});
  }

  void OnWriteDone(bool ok) final {
    const MutexLock lock(mutex_);
    writing_ = false;
    if (!ok) {
      FinishOnce({ErrorCode::kUnavailable, "the client has gone"});
      return;
    }
    if (refresh_again_ && !finished_) {
      refresh_again_ = false;
      Look();
    }
    PumpLocked();
  }

  void OnCancel() final {
    const MutexLock lock(mutex_);
    if (!finished_) {
      finished_ = true;
      this->Finish(grpc::Status::CANCELLED);
    }
  }

  void OnDone() final {
    driver_.Remove(this);
    const auto last = std::move(self_);
  }

 protected:
  enum class Step { kWrite, kIdle, kEnd };

  // The next message into `response`; kEnd when Finish... has been called.
  virtual Step Produce(Response& response) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) = 0;
  // Take in what the fleet says now.
  virtual void Look() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) = 0;

  void PumpLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (finished_ || writing_) return;
    response_.Clear();
    if (Produce(response_) != Step::kWrite) return;
    writing_ = true;
    this->StartWrite(&response_);
  }

  void FinishOnce(const Refusal& refusal) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (finished_) return;
    finished_ = true;
    this->Finish(GrpcStatus(refusal, limits::kDefaultStatusDetailBytes));
  }
  void FinishWell() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (finished_) return;
    finished_ = true;
    this->Finish(grpc::Status::OK);
  }

  StreamDriver& driver_;
  Mutex mutex_;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;

 private:
  Response response_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool refresh_again_ ABSL_GUARDED_BY(mutex_) = false;
  std::shared_ptr<LiveStream> self_;
};

class WatchCall final : public LiveCall<v1::WatchResponse> {
 public:
  using LiveCall::LiveCall;

  // On the queue's thread: it may read the store.
  void Start(const v1::WatchRequest& request, Catalog& catalog, const FleetView& fleet) {
    auto watch = StartWatch(request, catalog, fleet, [this] { driver_.Wake(this); });
    const MutexLock lock(mutex_);
    if (!watch) {
      FinishOnce(watch.error());
      return;
    }
    watch_ = std::move(*watch);
    PumpLocked();
  }

  void Refuse(const Refusal& refusal) {
    const MutexLock lock(mutex_);
    FinishOnce(refusal);
  }

 private:
  Step Produce(v1::WatchResponse& response) override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (watch_ == nullptr) return Step::kIdle;
    switch (watch_->Next(response)) {
      case Watch::Progress::kEvent:
        return Step::kWrite;
      case Watch::Progress::kIdle:
        return Step::kIdle;
      case Watch::Progress::kTooSlow:
        FinishOnce(
            {ErrorCode::kResourceExhausted,
             fmt::format(
                 "the watch read too slowly: more than {} events waited; list again and watch "
                 "from there",
                 limits::kWatchBacklog)});
        return Step::kEnd;
    }
    return Step::kEnd;
  }

  void Look() override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (watch_ != nullptr) watch_->CompareStatuses();
  }

  std::unique_ptr<Watch> watch_ ABSL_GUARDED_BY(mutex_);
};

class RolloutCall final : public LiveCall<v1::RolloutResponse> {
 public:
  RolloutCall(std::int64_t generation, std::vector<model::ResourceKey> objects,
              const FleetView& fleet, StreamDriver& driver)
      : LiveCall(driver), generation_(generation), objects_(std::move(objects)), fleet_(fleet) {}

  void Start(const Answer<void>& accepted) {
    const MutexLock lock(mutex_);
    if (!accepted) {
      FinishOnce(accepted.error());
      return;
    }
    Look();
    PumpLocked();
  }

 private:
  Step Produce(v1::RolloutResponse& response) override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (changed_) {
      changed_ = false;
      response = latest_;
      return Step::kWrite;
    }
    if (!latest_.settled()) return Step::kIdle;
    FinishWell();
    return Step::kEnd;
  }

  void Look() override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (sent_any_ && latest_.settled()) return;  // The last word has been said.
    v1::RolloutResponse now = fleet_.Progress(generation_, objects_);
    if (sent_any_ && google::protobuf::util::MessageDifferencer::Equals(now, latest_)) return;
    latest_ = std::move(now);
    changed_ = sent_any_ = true;
  }

  const std::int64_t generation_;
  const std::vector<model::ResourceKey> objects_;
  const FleetView& fleet_;
  v1::RolloutResponse latest_ ABSL_GUARDED_BY(mutex_);
  bool changed_ ABSL_GUARDED_BY(mutex_) = false;
  bool sent_any_ ABSL_GUARDED_BY(mutex_) = false;
};

Answer<std::vector<model::ResourceKey>> RolloutObjects(const v1::RolloutRequest& request,
                                                       const Catalog& catalog) {
  const std::int64_t newest = catalog.Current()->generation;
  if (request.generation() < 0 || request.generation() > newest) {
    return Refuse(ErrorCode::kOutOfRange,
                  fmt::format("`generation` must be 0 to {}, the newest, got {}", newest,
                              request.generation()));
  }
  if (static_cast<std::size_t>(request.objects_size()) > limits::kApplyResources) {
    return Refuse(ErrorCode::kResourceExhausted,
                  fmt::format("`objects` has at most {}, got {}", limits::kApplyResources,
                              request.objects_size()));
  }
  std::vector<model::ResourceKey> keys;
  for (const v1::ObjectRef& object : request.objects()) {
    auto key = KeyOf(object);
    if (!key) return tl::unexpected(key.error());
    keys.push_back(std::move(*key));
  }
  return keys;
}

}  // namespace

grpc::ServerWriteReactor<v1::WatchResponse>* StartWatchCall(const v1::WatchRequest& request,
                                                            Catalog& catalog, FleetView& fleet,
                                                            StreamDriver& driver,
                                                            WorkQueue& queue) {
  const auto call = std::make_shared<WatchCall>(driver);
  call->Register();
  const bool posted =
      queue.Post([call, request, &catalog, &fleet] { call->Start(request, catalog, fleet); });
  if (!posted) {
    call->Refuse({ErrorCode::kUnavailable,
                  "too many requests are waiting, or the control plane is stopping; try again"});
  }
  return call.get();
}

grpc::ServerWriteReactor<v1::RolloutResponse>* StartRolloutCall(const v1::RolloutRequest& request,
                                                                const Catalog& catalog,
                                                                FleetView& fleet,
                                                                StreamDriver& driver) {
  auto objects = RolloutObjects(request, catalog);
  Answer<void> accepted;
  if (!objects) accepted = tl::unexpected(objects.error());
  const auto call = std::make_shared<RolloutCall>(
      request.generation(), objects ? std::move(*objects) : std::vector<model::ResourceKey>(),
      fleet, driver);
  call->Register();
  call->Start(accepted);
  return call.get();
}

}  // namespace sluice::controlplane
