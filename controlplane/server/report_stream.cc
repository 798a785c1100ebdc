#include "controlplane/server/report_stream.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "common/base/mutex.h"
#include "controlplane/server/grpc_status.h"

namespace sluice::controlplane {
namespace {

class ReportStream final : public grpc::ServerBidiReactor<v1::NodeReport, v1::NodeReportAck>,
                           public OpenStream {
 public:
  ReportStream(Caller caller, Fleet& fleet, StreamRegistry& registry)
      : caller_(std::move(caller)), fleet_(fleet), registry_(registry) {}

  void Begin(std::shared_ptr<ReportStream> self) {
    self_ = std::move(self);
    if (auto added = registry_.Add(self_); added) {
      StartRead(&report_);
    } else {
      End(added.error());
    }
  }

  void End(const Error& error) override { FinishOnce({GrpcCode(error.code), error.message}); }

  void OnReadDone(bool ok) override {
    if (!ok) return FinishOnce(grpc::Status::OK);
    if (auto taken = Take(); !taken) return End(taken.error());
    const MutexLock lock(mutex_);
    if (!finished_) StartWrite(&ack_);
  }

  void OnWriteDone(bool ok) override {
    if (ok) StartRead(&report_);
    if (!ok) FinishOnce(grpc::Status::OK);
  }

  void OnDone() override {
    const auto self = std::move(self_);
    registry_.Remove(self);
    if (!node_id_.empty()) fleet_.ReportClosed(node_id_);
  }

 private:
  Result<void> Take() {
    if (node_id_.empty()) {
      if (auto may = Authorize(caller_, {Verb::kReport, report_.node_id()}); !may) return may;
      auto opened = fleet_.ReportOpened(report_);
      if (opened) node_id_ = report_.node_id();
      return opened;
    }
    if (report_.node_id() != node_id_) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("`node_id` must not change on a stream: it was '{}'", node_id_));
    }
    return fleet_.Reported(report_);
  }

  void FinishOnce(const grpc::Status& status) {
    const MutexLock lock(mutex_);
    if (finished_) return;
    finished_ = true;
    Finish(status);
  }

  const Caller caller_;
  Fleet& fleet_;
  StreamRegistry& registry_;
  std::shared_ptr<ReportStream> self_;  // Until OnDone.
  // One read or write is under way at a time, so these have one user.
  v1::NodeReport report_;
  v1::NodeReportAck ack_;
  std::string node_id_;

  Mutex mutex_;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace

grpc::ServerBidiReactor<v1::NodeReport, v1::NodeReportAck>* StartReportStream(
    Caller caller, Fleet& fleet, StreamRegistry& registry) {
  auto stream = std::make_shared<ReportStream>(std::move(caller), fleet, registry);
  ReportStream* const raw = stream.get();
  raw->Begin(std::move(stream));
  return raw;
}

}  // namespace sluice::controlplane
