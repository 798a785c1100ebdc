// ctl apply: manifests to the control plane, all of them as one generation or none.
#include <fmt/format.h>

#include <ostream>

#include "controlplane/ctl/client.h"
#include "controlplane/ctl/commands.h"
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
  const bool dry_run = invocation.arguments.Has("--dry-run");
  if (dry_run && invocation.arguments.Has("--wait")) {
    return ReportUsage(invocation, "--wait makes no sense with --dry-run: nothing is stored");
  }
  const auto documents = ReadManifestInput(invocation);
  if (!documents) return documents.error();

  Client client(invocation.server, invocation.request_timeout);
  const auto applied = client.Apply(ApplyRequestOf(*documents, dry_run));
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
    {.flag = "--dry-run", .help = "Let the control plane check everything and store nothing"},
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
