#include "controlplane/ctl/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "common/base/limits.h"
#include "controlplane/ctl/object_words.h"

namespace sluice::ctl {
namespace {

std::string ViolationText(const v1::Violation& violation,
                          const std::vector<manifest::Document>& documents) {
  const auto index = static_cast<std::size_t>(violation.resource());
  if (violation.resource() >= 0 && index < documents.size()) {
    return manifest::Diagnostic{.position = documents[index].PositionOf(violation.field()),
                                .field = violation.field(),
                                .message = violation.message()}
        .Text();
  }
  if (violation.has_object()) {
    return fmt::format("{}: {}", TextOf(violation.object()), violation.message());
  }
  return violation.message();
}

// Of `total` problems, `shown` have been printed.
std::string MoreText(std::size_t total, std::size_t shown) {
  if (total <= shown) return "";
  // Both ctl and the control plane stop counting there.
  return fmt::format("... and {}{} more\n", total >= limits::kViolationsCounted ? "at least " : "",
                     total - shown);
}

}  // namespace

Exit ReportUsage(const Invocation& invocation, const std::string& message) {
  invocation.err << "error: " << message << "\n";
  return Exit::kUsage;
}

Exit ReportUsage(const Invocation& invocation, const Error& error) {
  return ReportUsage(invocation, error.message);
}

Exit ReportDiagnostics(const Invocation& invocation,
                       const std::vector<manifest::Diagnostic>& diagnostics) {
  invocation.err << DiagnosticsText(diagnostics);
  return Exit::kUsage;
}

std::string DiagnosticsText(const std::vector<manifest::Diagnostic>& diagnostics) {
  const std::size_t shown = std::min(diagnostics.size(), limits::kViolationsReported);
  std::string text;
  for (std::size_t i = 0; i < shown; ++i) {
    text += fmt::format("error: {}\n", diagnostics[i].Text());
  }
  return text + MoreText(diagnostics.size(), shown);
}

std::string CallFailureText(const CallError& failure,
                            const std::vector<manifest::Document>& documents) {
  if (failure.violations.empty()) return fmt::format("error: {}\n", failure.error.message);
  // In the order of the manifests, as a person goes through them.
  std::vector<v1::Violation> violations = failure.violations;
  std::stable_sort(violations.begin(), violations.end(),
                   [](const auto& a, const auto& b) { return a.resource() < b.resource(); });
  std::string text;
  for (const auto& violation : violations) {
    text += fmt::format("error: {}\n", ViolationText(violation, documents));
  }
  return text + MoreText(failure.violations_total, violations.size());
}

Exit ReportCall(const Invocation& invocation, const CallError& failure,
                const std::vector<manifest::Document>& documents) {
  invocation.err << CallFailureText(failure, documents);
  return Exit::kFailed;
}

}  // namespace sluice::ctl
