// Answers as bytes on the wire, envoy DeltaDiscoveryResponses. What streams are sent alike is made
// into bytes once and shared by them as long as one of them is sending it; only the nonce is a
// stream's own. Thread-safe.
#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "common/base/mutex.h"
#include "controlplane/discovery/discovery_response.h"

namespace sluice::controlplane {

class AnswerEncoder {
 public:
  // `control_plane` names this replica.
  explicit AnswerEncoder(std::string control_plane) : control_plane_(std::move(control_plane)) {}

  grpc::ByteBuffer Encode(const DiscoveryAnswer& answer);

  // How often bytes were made; for tests and metrics.
  std::uint64_t made() const;

 private:
  struct Body;
  // Streams are at most a few answers apart while a change goes out.
  static constexpr std::size_t kRemembered = 16;

  std::shared_ptr<const Body> BodyOf(const DiscoveryAnswer& answer);

  const std::string control_plane_;
  mutable Mutex mutex_;
  std::array<std::weak_ptr<const Body>, kRemembered> recent_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t made_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace sluice::controlplane
