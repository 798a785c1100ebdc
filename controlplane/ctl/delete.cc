// ctl delete: named objects or those of manifests, all of them as one generation or none.
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

tl::expected<std::vector<v1::ObjectRef>, Exit> Named(const Invocation& invocation) {
  std::vector<v1::ObjectRef> objects;
  if (invocation.arguments.Has(kFilenameOption.flag)) {
    if (!invocation.arguments.operands().empty()) {
      return tl::unexpected(ReportUsage(invocation, "give either names or --filename"));
    }
    const auto documents =
        ReadManifestInput(invocation, {.operands_are_paths = false, .names_only = true});
    if (!documents) return tl::unexpected(documents.error());
    for (const auto& document : *documents) objects.push_back(RefTo(document.resource));
    return objects;
  }
  const auto words = ParseObjectNames(invocation.arguments.operands());
  if (!words) return tl::unexpected(ReportUsage(invocation, words.error()));
  for (const ObjectWord& word : *words) {
    objects.push_back(RefTo(word, invocation.ns));
  }
  return objects;
}

// Leaves those that exist.
tl::expected<std::vector<v1::ObjectRef>, Exit> OnlyExisting(const Invocation& invocation,
                                                            Client& client,
                                                            std::vector<v1::ObjectRef> objects) {
  std::vector<v1::ObjectRef> existing;
  for (auto& object : objects) {
    const auto found = client.Get(object);
    if (found) {
      existing.push_back(std::move(object));
    } else if (found.error().error.code != ErrorCode::kNotFound) {
      return tl::unexpected(ReportCall(invocation, found.error()));
    }
  }
  return existing;
}

Exit RunDelete(const Invocation& invocation) {
  const auto timeout = invocation.arguments.Duration("--timeout");
  if (!timeout) return ReportUsage(invocation, timeout.error());
  const DryRun dry_run = DryRunOf(invocation.arguments);
  if (dry_run != DryRun::kNone && invocation.arguments.Has("--wait")) {
    return ReportUsage(invocation, "--wait makes no sense with --dry-run: nothing is deleted");
  }
  auto objects = Named(invocation);
  if (!objects) return objects.error();
  const auto report = [&] {
    for (const auto& object : *objects) {
      invocation.out << OutcomeLine(object, "deleted", dry_run);
    }
    invocation.out.flush();
  };
  if (dry_run == DryRun::kClient) return report(), Exit::kOk;

  Client client(invocation.server, invocation.request_timeout);
  if (invocation.arguments.Has("--ignore-not-found")) {
    objects = OnlyExisting(invocation, client, std::move(*objects));
    if (!objects) return objects.error();
    if (objects->empty()) return Exit::kOk;
  }
  v1::DeleteRequest request;
  request.set_dry_run(dry_run == DryRun::kServer);
  for (const auto& object : *objects) *request.add_objects() = object;
  const auto deleted = client.Delete(request);
  if (!deleted) return ReportCall(invocation, deleted.error());
  report();
  if (!invocation.arguments.Has("--wait")) return Exit::kOk;
  // Who ran a deleted object is no longer known, so every data plane is waited for.
  return FollowRollout(invocation, client, {.generation = deleted->generation(), .objects = {}},
                       *timeout);
}

constexpr Option kOptions[] = {
    kFilenameOption,
    {.flag = "--ignore-not-found", .help = "An object that does not exist is no error"},
    kDryRunOption,
    kWaitOption,
    kTimeoutOption,
};

}  // namespace

const Command kDeleteCommand = {
    .name = "delete",
    .operands = "KIND NAME... | KIND/NAME...",
    .summary = "Deletes objects, all or nothing",
    .details =
        "Refused while an object that stays refers to one of them.\n"
        "Example: ctl delete listener orders-db --wait",
    .options = kOptions,
    .offers = Offers::kObjects,
    .run = RunDelete,
};

}  // namespace sluice::ctl
