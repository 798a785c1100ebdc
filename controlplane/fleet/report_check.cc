#include "controlplane/fleet/report_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "common/base/bounded_text.h"
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

v1::NodeReport WithBoundedText(v1::NodeReport report) {
  const auto bound = [](std::string* text, std::size_t bytes) {
    if (!IsBoundedText(*text, bytes)) *text = BoundedText(*text, bytes);
  };
  bound(report.mutable_version(), limits::kNameLength);
  bound(report.mutable_active_digest(), limits::kSubscribedNameBytes);
  for (v1::ResourceProblem& problem : *report.mutable_problems()) {
    bound(problem.mutable_kind(), limits::kNameLength);
    bound(problem.mutable_name(), limits::kSubscribedNameBytes);
    bound(problem.mutable_version(), limits::kSubscribedNameBytes);
    bound(problem.mutable_reason(), limits::kNameLength);
    bound(problem.mutable_field(), limits::kRefusalTextBytes);
    bound(problem.mutable_message(), limits::kRefusalTextBytes);
  }
  for (v1::EndpointHealth& endpoint : *report.mutable_unhealthy_endpoints()) {
    bound(endpoint.mutable_upstream(), limits::kSubscribedNameBytes);
    bound(endpoint.mutable_address(), limits::kSubscribedNameBytes);
  }
  return report;
}

}  // namespace sluice::controlplane
