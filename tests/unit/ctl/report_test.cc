#include "controlplane/ctl/report.h"

#include <gtest/gtest.h>

#include "common/base/limits.h"

namespace sluice::ctl {
namespace {

v1::Violation At(int resource, const std::string& field, const std::string& message) {
  v1::Violation violation;
  violation.set_resource(resource);
  violation.set_field(field);
  violation.set_message(message);
  return violation;
}

TEST(CallFailureText, GivesViolationsThePositionInTheFile) {
  const auto parsed = manifest::ParseManifest(
      "apiVersion: sluice.dev/v1\n"
      "kind: EndpointSlice\n"
      "metadata: {name: a}\n"
      "spec:\n"
      "  upstream: nowhere\n",
      "slices.yaml");
  ASSERT_TRUE(parsed.diagnostics.empty());
  const CallError failure{
      .error = {ErrorCode::kFailedPrecondition, "first (and 1 more)"},
      .violations = {At(0, "spec.upstream", "`spec.upstream` names no Upstream, got 'nowhere'")}};
  EXPECT_EQ(CallFailureText(failure, parsed.documents),
            "error: `spec.upstream` names no Upstream, got 'nowhere' (slices.yaml:5:3)\n");
}

TEST(CallFailureText, NamesTheObjectWhenItIsNotInTheRequest) {
  auto violation = At(-1, "", "two listeners on one address");
  violation.mutable_object()->set_kind("Listener");
  violation.mutable_object()->set_name("old");
  const CallError failure{.error = {ErrorCode::kFailedPrecondition, ""}, .violations = {violation}};
  EXPECT_EQ(CallFailureText(failure, {}), "error: listener/old: two listeners on one address\n");
}

TEST(CallFailureText, ShowsEveryViolation) {
  const CallError failure{.error = {ErrorCode::kInvalidArgument, "a (and 1 more)"},
                          .violations = {At(-1, "", "a"), At(7, "", "b")}};
  EXPECT_EQ(CallFailureText(failure, {}), "error: a\nerror: b\n");
}

TEST(CallFailureText, SaysHowManyViolationsDidNotFitIntoTheAnswer) {
  const CallError failure{.error = {ErrorCode::kInvalidArgument, "a (and 11 more)"},
                          .violations = {At(-1, "", "a")},
                          .violations_total = 12};
  EXPECT_EQ(CallFailureText(failure, {}), "error: a\n... and 11 more\n");
}

TEST(DiagnosticsText, SaysHowManyAreNotShown) {
  std::vector<manifest::Diagnostic> diagnostics(limits::kViolationsReported);
  EXPECT_EQ(DiagnosticsText(diagnostics).find("more"), std::string::npos);
  diagnostics.resize(limits::kViolationsReported + 7);
  EXPECT_TRUE(DiagnosticsText(diagnostics).ends_with("\n... and 7 more\n"));
  diagnostics.resize(limits::kViolationsCounted);
  EXPECT_TRUE(DiagnosticsText(diagnostics).ends_with("\n... and at least 9900 more\n"));
}

TEST(CallFailureText, ShowsTheMessageOfAPlainFailure) {
  EXPECT_EQ(CallFailureText({.error = {ErrorCode::kNotFound, "upstream/a not found"}}, {}),
            "error: upstream/a not found\n");
}

}  // namespace
}  // namespace sluice::ctl
