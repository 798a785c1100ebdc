// Many data planes in one process, as the control plane sees them: a connection, a discovery stream
// and a report stream each. They acknowledge what they are sent, and report each generation as in
// force; nothing is parsed but what that takes. One thread drives all of them.
#pragma once

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace sluice::bench {

using Clock = std::chrono::steady_clock;

// Which generations all nodes have.
class Arrivals {
 public:
  explicit Arrivals(std::size_t nodes) : nodes_(nodes) {}
  // A node has gone from one generation to a later one.
  void Moved(std::int64_t from, std::int64_t to);
  bool Everywhere(std::int64_t generation) const;
  // When all of them had it; only once it is everywhere.
  Clock::time_point At(std::int64_t generation) const;

 private:
  const std::size_t nodes_;
  mutable std::mutex mutex_;
  std::map<std::int64_t, std::size_t> missing_;  // Besides those in at_.
  std::map<std::int64_t, Clock::time_point> at_;
};

class FleetNodes {
 public:
  // Connects `nodes` data planes to a discovery port, and goes on trying when streams break.
  FleetNodes(const std::string& address, std::size_t nodes);
  ~FleetNodes();

  Arrivals& arrivals() { return arrivals_; }
  // How many have both streams open since they last broke.
  std::size_t connected() const { return connected_; }
  // The last answer of a kind ("EndpointSlice", "Generation") that the first node got, as it came.
  std::string LastAnswer(const std::string& kind) const;

 private:
  struct Node;
  struct Operation;

  void Run();
  void Open(Node& node);
  void Done(Operation& operation, bool ok);
  void TakeAnswer(Node& node);
  void WriteNext(Node& node);
  void Report(Node& node);
  void Remember(const grpc::ByteBuffer& answer, const std::string& type_url);

  const std::string address_;
  Arrivals arrivals_;
  std::atomic<std::size_t> connected_{0};
  std::atomic<bool> stopping_{false};
  grpc::CompletionQueue queue_;
  std::vector<std::unique_ptr<Node>> nodes_;
  // Of the first node: what it holds, so that all of them can say so when they come back.
  mutable std::mutex mutex_;
  std::map<std::string, std::map<std::string, std::string>> held_;
  std::map<std::string, std::string> last_answers_;
  std::thread thread_;
};

}  // namespace sluice::bench
