#include "controlplane/fleet/node_id.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/limits.h"

namespace sluice::controlplane {
namespace {

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

Result<void> CheckNodeId(std::string_view id) {
  if (!id.empty() && id.size() <= limits::kNodeIdLength && IsPrintable(id)) return {};
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("the node id must be 1-{} printable ASCII characters without spaces, got "
                          "{} bytes",
                          limits::kNodeIdLength, id.size()));
}

Result<void> CheckNodeLabels(const Labels& labels) {
  if (labels.size() > limits::kLabels) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("a node has at most {} labels, got {}",
                                                         limits::kLabels, labels.size()));
  }
  for (const auto& [key, value] : labels) {
    if (key.empty() || key.size() > limits::kLabelKeyLength || !IsPrintable(key) ||
        value.size() > limits::kNameLength || !IsPrintable(value)) {
      return Fail(
          ErrorCode::kInvalidArgument,
          fmt::format("a node's label has a printable key of 1-{} characters and a value of at "
                      "most {}, got a key of {} and a value of {} bytes",
                      limits::kLabelKeyLength, limits::kNameLength, key.size(), value.size()));
    }
  }
  return {};
}

}  // namespace sluice::controlplane
