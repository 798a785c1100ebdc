// A raw control plane that does exactly what a test says: streams are handed to the test, which
// reads requests and writes responses by itself. Reports are acknowledged and kept.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "envoy/service/discovery/v3/ads.grpc.pb.h"
#include "sluice/v1/node_status.grpc.pb.h"

namespace sluice::test {

using Request = envoy::service::discovery::v3::DeltaDiscoveryRequest;
using Response = envoy::service::discovery::v3::DeltaDiscoveryResponse;

inline constexpr char kUpstreamType[] = "type.googleapis.com/sluice.v1.Upstream";
inline constexpr char kListenerType[] = "type.googleapis.com/sluice.v1.Listener";

class AdsStream {
 public:
  // The client's next request; fails the test when none comes.
  Request Next();
  void Send(const Response& response);
  // Sends, and the client's answer to it.
  Request Exchange(const Response& response);
  // Ends the stream as a crash would.
  void Break();
  bool broken() const;

 private:
  friend class ScriptedAds;
  grpc::ServerContext* context_ = nullptr;
  grpc::ServerReaderWriter<Response, Request>* wire_ = nullptr;
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Request> requests_;
  bool broken_ = false;
};

class ScriptedAds {
 public:
  // `profile`: says in its metadata that it closes every state with a Generation.
  ScriptedAds(std::string address, bool profile);
  ~ScriptedAds();
  ScriptedAds(const ScriptedAds&) = delete;
  ScriptedAds& operator=(const ScriptedAds&) = delete;

  // The next stream that a client opens, without its five opening requests, which go to `opening`.
  std::shared_ptr<AdsStream> NextStream(std::vector<Request>* opening = nullptr);
  std::optional<v1::NodeReport> LastReport() const;
  int reports() const { return reports_; }

 private:
  class Discovery;
  class Status;
  const bool profile_;
  mutable std::mutex mutex_;
  std::condition_variable opened_;
  std::deque<std::shared_ptr<AdsStream>> streams_;
  std::vector<std::shared_ptr<AdsStream>> all_streams_;
  std::optional<v1::NodeReport> report_;
  std::atomic<int> reports_ = 0;
  std::unique_ptr<Discovery> discovery_;
  std::unique_ptr<Status> status_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace sluice::test
