// The text of `ctl describe`. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "common/model/resource.h"
#include "sluice/v1/resources.pb.h"

namespace sluice::ctl {

struct Description {
  model::Resource resource;
  std::vector<model::Resource> neighbours;   // Every object of its namespace.
  std::optional<v1::RolloutResponse> nodes;  // Absent for kinds that no data plane runs.
  std::chrono::system_clock::time_point now;
};

std::string DescriptionText(const Description& description);

}  // namespace sluice::ctl
