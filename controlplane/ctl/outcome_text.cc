#include "controlplane/ctl/outcome_text.h"

#include <fmt/format.h>

#include "controlplane/ctl/object_words.h"

namespace sluice::ctl {
namespace {

std::string_view Word(v1::ApplyResponse::Outcome outcome) {
  switch (outcome) {
    case v1::ApplyResponse::CREATED:
      return "created";
    case v1::ApplyResponse::CONFIGURED:
      return "configured";
    case v1::ApplyResponse::UNCHANGED:
      return "unchanged";
    default:
      return "applied";  // A newer server's word for something that did not fail.
  }
}

}  // namespace

std::string OutcomeLine(const v1::ObjectRef& object, std::string_view outcome, DryRun dry_run) {
  return fmt::format("{} {}{}\n", TextOf(object), outcome, DryRunText(dry_run));
}

std::string OutcomeLine(const v1::ApplyResponse::Result& result, DryRun dry_run) {
  return OutcomeLine(result.object(), Word(result.outcome()), dry_run);
}

}  // namespace sluice::ctl
