// A session as plain data: what phase handlers decide on, variables are computed from and the log
// record is written of. No sockets here. Worker thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/address.h"
#include "common/base/monotonic_time.h"
#include "dataplane/session/close_reason.h"
#include "dataplane/session/phase.h"

namespace sluice::dataplane {

struct ListenerConfig;
struct WorkerUpstream;

using WallTime = std::chrono::system_clock::time_point;

enum class Protocol : std::uint8_t { kTcp, kUdp };

// One attempt to use an endpoint. Durations are negative while the event has not happened.
struct Attempt {
  std::uint32_t endpoint = 0;  // Index in the upstream's endpoints.
  std::int32_t error = 0;      // errno: why it could not be used. 0: it could, or is being tried.
  MonotonicTime start;
  std::chrono::milliseconds connect_time{-1};
  std::chrono::milliseconds first_byte_time{-1};
  std::chrono::milliseconds session_time{-1};
  std::uint64_t bytes_sent = 0;  // To the endpoint.
  std::uint64_t bytes_received = 0;
};

// Given back however the session ends.
class SlotToken {
 public:
  virtual ~SlotToken() = default;
};

enum class LimitStatus : std::uint8_t { kNone, kPassed, kRejected };

struct SessionState {
  static constexpr std::uint32_t kNoRoute = 0xffffffff;

  std::uint64_t id = 0;  // $connection: a serial number in this process.
  Protocol protocol = Protocol::kTcp;
  CloseReason close_reason = CloseReason::kOpen;
  LimitStatus limit_status = LimitStatus::kNone;
  std::optional<Phase> phase;  // The one that waits or has closed it; none before and after them.
  std::uint32_t worker = 0;    // Index of the worker that runs it.
  SocketAddress client;        // $remote_addr, $remote_port.
  SocketAddress local;         // $server_addr: where the client connected to.
  WallTime start_wall;
  MonotonicTime start;
  MonotonicTime end;                 // Set before the log phase.
  std::uint64_t bytes_received = 0;  // From the client.
  std::uint64_t bytes_sent = 0;      // To the client.
  // The configuration the session began with; kept until it ends.
  std::shared_ptr<const ListenerConfig> listener;
  // Chosen in content: which of listener->upstreams.
  std::uint32_t route = kNoRoute;
  // The form of it that was in force when the session began to look for an endpoint; kept until it
  // ends. Null before that.
  std::shared_ptr<WorkerUpstream> upstream;
  std::vector<Attempt> attempts;
  std::string_view access_policy;  // The policy that denied, or would have in shadow mode.
  std::vector<std::unique_ptr<SlotToken>> held;
};

}  // namespace sluice::dataplane
