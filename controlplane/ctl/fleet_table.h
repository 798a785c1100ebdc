// The data planes as `ctl fleet` shows them: a table of nodes and under it what they refuse. Pure.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "common/model/resource.h"

namespace sluice::ctl {

struct FleetStyle {
  bool wide = false;
  bool headers = true;  // Without: the table of nodes alone, for scripts.
  std::chrono::system_clock::time_point now;
};

std::string FleetText(const std::vector<model::Resource>& nodes, const FleetStyle& style);

}  // namespace sluice::ctl
