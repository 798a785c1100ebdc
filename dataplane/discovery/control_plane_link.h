// The connection to a control plane: picks an address, opens the discovery stream and the report
// stream on one channel, and comes back with backoff and jitter when it breaks. Every attempt goes
// to the next address of a shuffled list. What was received lives on in the DeltaClient.
// Control thread only.
#pragma once

#include <grpcpp/grpcpp.h>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/discovery/backoff.h"
#include "dataplane/discovery/bidi_stream.h"
#include "dataplane/discovery/delta_client.h"
#include "dataplane/discovery/node_reporter.h"
#include "envoy/service/discovery/v3/ads.grpc.pb.h"

namespace sluice::dataplane {

class ControlPlaneLink {
 public:
  struct Settings {
    std::vector<std::string> addresses;  // As gRPC reads them: `host:port`, `unix:/path`.
    NodeIdentity node;
    Backoff::Settings backoff;
    // A generation that does not become complete for this long: everything is asked for again.
    std::chrono::milliseconds drift_patience{30'000};
    // A control plane whose host has gone says nothing: it is asked after so much silence, and
    // given up when it does not answer.
    std::chrono::milliseconds ping_after{15'000};
    std::chrono::milliseconds ping_patience{10'000};
    std::uint64_t seed = 0;
  };
  struct Events {
    std::function<void(StagedSwap)> on_swap;
    std::function<void()> on_refusals;  // Staging::Refusals() may have changed.
    std::function<void()> on_connected;
    std::function<void()> on_disconnected;  // Also after an attempt that came to nothing.
    NodeReporter::MakeReport make_report;
  };

  ControlPlaneLink(asio::io_context& control, Settings settings, Events events);
  // Ends the streams.
  ~ControlPlaneLink();

  // Before Start: what an earlier process accepted.
  Staging& staging() { return client_.staging(); }
  void Start();
  // Something to report has changed.
  void NotifyReporter();
  // From now on a connection that is lost is not made again: a process that shuts down would only
  // take it from its successor.
  void StopReconnecting();
  // Ends the streams once the last report has been acknowledged, a second later at the latest.
  void Leave();

 private:
  using Stream = BidiStream<DeltaClient::Request, DeltaClient::Response>;
  void Connect();
  void OnMetadata(const grpc::ClientContext& context);
  void OnResponse(const DeltaClient::Response& response);
  void OnClosed(const grpc::Status& status);
  void WatchForDrift();
  void EndStreams();

  asio::io_context& control_;
  const Settings settings_;
  const Events events_;
  std::vector<std::string> addresses_;  // Shuffled.
  std::size_t next_address_ = 0;
  Backoff backoff_;
  std::chrono::milliseconds ping_after_;
  asio::steady_timer reconnect_timer_;
  asio::steady_timer drift_timer_;
  asio::steady_timer leave_timer_;
  bool drift_watched_ = false;
  bool reconnects_ = true;
  bool announce_held_ = true;

  DeltaClient client_;
  std::string address_;  // Of the present attempt.
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<envoy::service::discovery::v3::AggregatedDiscoveryService::Stub> stub_;
  std::shared_ptr<Stream> stream_;
  std::unique_ptr<NodeReporter> reporter_;
};

}  // namespace sluice::dataplane
