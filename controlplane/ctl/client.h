// The control plane's API as ctl uses it: one call a verb, with a deadline, failures as values that
// already say what a person needs to know. The only file of ctl that knows gRPC.
// One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/model/resource.h"
#include "controlplane/ctl/server_address.h"
#include "sluice/v1/resources.pb.h"

namespace sluice::ctl {

struct CallError {
  Error error;
  // What the server found wrong with the request, and how many there are with those that did not
  // fit into its answer.
  std::vector<v1::Violation> violations = {};
  std::size_t violations_total = 0;
  // The answer was lost: the control plane may have done what was asked.
  bool may_be_done = false;
};

template <typename T>
using Answer = tl::expected<T, CallError>;

struct Listing {
  std::vector<model::Resource> resources;  // By namespace, name.
  std::int64_t generation = 0;
};

class Client {
 public:
  using Deadline = std::chrono::system_clock::time_point;

  // Does not connect yet.
  Client(ServerAddress server, std::chrono::nanoseconds request_timeout);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Answer<v1::ApplyResponse> Apply(const v1::ApplyRequest& request);
  Answer<v1::DeleteResponse> Delete(const v1::DeleteRequest& request);
  Answer<model::Resource> Get(const v1::ObjectRef& object);
  // All pages.
  Answer<Listing> List(const model::Kind& kind, const std::string& ns,
                       const std::string& label_selector);
  Answer<v1::GetServerInfoResponse> ServerInfo();

  // After a call that failed because nobody answered: returns when somebody can be asked again, or
  // at the deadline.
  void AwaitConnection(Deadline deadline);

  // Streams: `visit` gets every message until it says false or the server ends the stream.
  static constexpr Deadline kNoDeadline = Deadline::max();
  Answer<void> Watch(const v1::WatchRequest& request, Deadline deadline,
                     const std::function<bool(const v1::WatchResponse&)>& visit);
  Answer<void> Rollout(const v1::RolloutRequest& request, Deadline deadline,
                       const std::function<bool(const v1::RolloutResponse&)>& visit);

 private:
  struct Connection;
  std::unique_ptr<Connection> connection_;
};

}  // namespace sluice::ctl
