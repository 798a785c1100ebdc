#include "controlplane/fleet/report_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "common/base/limits.h"
#include "controlplane/fleet/node_id.h"

namespace sluice::controlplane {
namespace {

Result<void> CheckCount(std::string_view field, int count, std::size_t most) {
  if (static_cast<std::size_t>(count) <= most) return {};
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("`{}` must have at most {} entries, got {}", field, most, count));
}

}  // namespace

Result<void> CheckReport(const v1::NodeReport& report) {
  if (auto id = CheckNodeId(report.node_id()); !id) return id;
  if (auto labels = CheckNodeLabels({report.labels().begin(), report.labels().end()}); !labels) {
    return labels;
  }
  if (auto problems = CheckCount("problems", report.problems_size(), limits::kReportedProblems);
      !problems) {
    return problems;
  }
  if (auto endpoints = CheckCount("unhealthy_endpoints", report.unhealthy_endpoints_size(),
                                  limits::kUnhealthyEndpointsReported);
      !endpoints) {
    return endpoints;
  }
  const bool long_text =
      std::any_of(report.problems().begin(), report.problems().end(), [](const auto& problem) {
        return problem.message().size() > limits::kRefusalTextBytes ||
               problem.field().size() > limits::kRefusalTextBytes ||
               problem.reason().size() > limits::kNameLength ||
               problem.name().size() > limits::kSubscribedNameBytes;
      });
  if (long_text) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("a text in `problems` must have at most {} bytes, `reason` {}",
                            limits::kRefusalTextBytes, limits::kNameLength));
  }
  return {};
}

}  // namespace sluice::controlplane
