// How long ago, in the two units that matter, as Kubernetes tools print it: `42s`, `5m10s`, `3d4h`.
// Pure.
#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <chrono>
#include <string>

namespace sluice::ctl {

std::string FormatAge(std::chrono::seconds age);
// `<unknown>` for a time that is not set; a time in the future (clocks differ) counts as now.
std::string AgeOf(const google::protobuf::Timestamp& time,
                  std::chrono::system_clock::time_point now);

}  // namespace sluice::ctl
