#include "dataplane/discovery/node_reporter.h"

#include <asio/post.hpp>
#include <string>
#include <utility>

#include "common/log/event_log.h"

namespace sluice::dataplane {
namespace {

constexpr std::chrono::milliseconds kReportInterval{5000};
constexpr std::chrono::milliseconds kReopenDelay{1000};

}  // namespace

NodeReporter::NodeReporter(asio::io_context& control, std::shared_ptr<grpc::Channel> channel,
                           MakeReport make_report)
    : control_(control),
      stub_(v1::NodeStatusService::NewStub(std::move(channel))),
      make_report_(std::move(make_report)),
      timer_(control) {
  Open();
}

NodeReporter::~NodeReporter() {
  if (stream_ != nullptr) stream_->Abandon();
}

void NodeReporter::Open() {
  stream_ = std::make_shared<Stream>(
      control_,
      Stream::Events{.on_metadata = nullptr,
                     .on_message =
                         [this](const v1::NodeReportAck&) {
                           unacknowledged_ = false;
                           stream_->ReadNext();
                           if (changed_) SendReport();
                           TellIfTold();
                         },
                     .on_closed = [this](const grpc::Status& status) { OnClosed(status); }});
  stream_->Start([this](grpc::ClientContext* context, auto* reactor) {
    stub_->async()->Report(context, reactor);
  });
  unacknowledged_ = false;
  SendReport();
}

void NodeReporter::Notify() {
  changed_ = true;
  if (stream_ != nullptr && !unacknowledged_) SendReport();
}

void NodeReporter::WhenTold(std::function<void()> told) {
  when_told_ = std::move(told);
  TellIfTold();
}

void NodeReporter::TellIfTold() {
  if (unacknowledged_ || changed_ || !when_told_) return;
  asio::post(control_, std::exchange(when_told_, nullptr));
}

void NodeReporter::SendReport() {
  if (!unacknowledged_ && stream_ != nullptr) {
    changed_ = false;
    unacknowledged_ = true;
    stream_->Send(make_report_());
  }
  After(kReportInterval, &NodeReporter::SendReport);
}

void NodeReporter::OnClosed(const grpc::Status& status) {
  stream_ = nullptr;
  timer_.cancel();
  // A server of plain xDS has no such service, and that is all right.
  if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) return;
  LogEvent(LogLevel::kDebug, "node_report_stream_closed",
           {{"code", std::to_string(status.error_code())}, {"message", status.error_message()}});
  After(kReopenDelay, &NodeReporter::Open);
}

void NodeReporter::After(std::chrono::milliseconds delay, void (NodeReporter::*next)()) {
  timer_.expires_after(delay);
  timer_.async_wait([this, next](const std::error_code& error) {
    if (!error) (this->*next)();
  });
}

}  // namespace sluice::dataplane
