// Wall-clock times as Kubernetes writes them: in whole seconds. Pure.
#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <chrono>

namespace sluice::controlplane {

inline google::protobuf::Timestamp ToTimestamp(std::chrono::system_clock::time_point time) {
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count());
  return timestamp;
}

}  // namespace sluice::controlplane
