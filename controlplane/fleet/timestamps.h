// Wall-clock times as protobuf has them. Pure.
#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <chrono>

namespace sluice::controlplane {

inline google::protobuf::Timestamp ToTimestamp(std::chrono::system_clock::time_point time) {
  const auto since = time.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(seconds.count());
  timestamp.set_nanos(static_cast<std::int32_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(since - seconds).count()));
  return timestamp;
}

}  // namespace sluice::controlplane
