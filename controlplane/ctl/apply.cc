// ctl apply: manifests to the control plane, all of them as one generation or none.
#include <fmt/format.h>

#include <ostream>

#include "controlplane/ctl/client.h"
#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/dry_run.h"
#include "controlplane/ctl/manifest_input.h"
#include "controlplane/ctl/object_words.h"
#include "controlplane/ctl/outcome_text.h"
#include "controlplane/ctl/report.h"
#include "controlplane/ctl/rollout.h"

namespace sluice::ctl {
namespace {

Exit RunApply(const Invocation& invocation) {
  const auto timeout = invocation.arguments.Duration("--timeout");
  if (!timeout) return ReportUsage(invocation, timeout.error());
  const DryRun dry_run = DryRunOf(invocation.arguments);
  if (dry_run != DryRun::kNone && invocation.arguments.Has("--wait")) {
    return ReportUsage(invocation, "--wait makes no sense with --dry-run: nothing is stored");
  }
  const auto documents = ReadManifestInput(invocation);
  if (!documents) return documents.error();

  if (dry_run == DryRun::kClient) {
    for (const auto& document : *documents) {
      invocation.out << OutcomeLine(RefTo(document.resource), "checked", dry_run);
    }
    return Exit::kOk;
  }

  Client client(invocation.server, invocation.request_timeout);
  const auto applied = client.Apply(ApplyRequestOf(*documents, dry_run == DryRun::kServer));
  if (!applied) return ReportCall(invocation, applied.error(), *documents);
  RolloutTarget target{.generation = applied->generation(), .objects = {}};
  for (const auto& result : applied->results()) {
    invocation.out << OutcomeLine(result, dry_run);
    target.objects.push_back(result.object());
  }
  invocation.out.flush();
  if (!invocation.arguments.Has("--wait")) return Exit::kOk;
  return FollowRollout(invocation, client, target, *timeout);
}

constexpr Option kOptions[] = {
    kFilenameOption,
    kDryRunOption,
    kWaitOption,
    kTimeoutOption,
};

}  // namespace

const Command kApplyCommand = {
    .name = "apply",
    .operands = "[PATH...]",
    .summary = "Creates or changes objects from manifests, all or nothing",
    .details =
        "Prints KIND/NAME created, configured or unchanged for each object.\n"
        "Example: ctl apply upstreams.yaml --wait",
    .options = kOptions,
    .offers = Offers::kFiles,
    .run = RunApply,
};

}  // namespace sluice::ctl
