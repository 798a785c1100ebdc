// Tells the control plane how this node does (NodeStatusService): a whole report at once after
// anything changed, otherwise every few seconds. At most one report is unacknowledged; what changes
// meanwhile is told by the next one. Lives as long as one connection. Control thread only.
#pragma once

#include <grpcpp/grpcpp.h>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>

#include "dataplane/discovery/bidi_stream.h"
#include "sluice/v1/node_status.grpc.pb.h"

namespace sluice::dataplane {

class NodeReporter {
 public:
  using MakeReport = std::function<v1::NodeReport()>;

  // `make_report` is asked for the state of the moment whenever a report goes out.
  NodeReporter(asio::io_context& control, std::shared_ptr<grpc::Channel> channel,
               MakeReport make_report);
  ~NodeReporter();

  // Something has changed.
  void Notify();
  // Calls back, once, when all that has changed until now has been acknowledged; at once if it has.
  void WhenTold(std::function<void()> told);

 private:
  using Stream = BidiStream<v1::NodeReport, v1::NodeReportAck>;
  void Open();
  void SendReport();
  void OnClosed(const grpc::Status& status);
  void TellIfTold();
  void After(std::chrono::milliseconds delay, void (NodeReporter::*next)());

  asio::io_context& control_;
  const std::unique_ptr<v1::NodeStatusService::Stub> stub_;
  const MakeReport make_report_;
  asio::steady_timer timer_;
  std::shared_ptr<Stream> stream_;
  bool unacknowledged_ = false;
  bool changed_ = false;  // Since the report that is under way.
  std::function<void()> when_told_;
};

}  // namespace sluice::dataplane
