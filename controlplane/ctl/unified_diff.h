// The difference between two texts in the unified form that patch(1) reads, three lines of context.
// Myers' algorithm; texts that differ in more than limits.h allows to compare are shown as replaced
// as a whole. Pure.
#pragma once

#include <string>
#include <string_view>

namespace sluice::ctl {

struct DiffSides {
  std::string_view before;
  std::string_view after;
  std::string before_name;  // For the `---` line.
  std::string after_name;   // For the `+++` line.
};

// Empty when the texts are equal.
std::string UnifiedDiff(const DiffSides& sides);

}  // namespace sluice::ctl
