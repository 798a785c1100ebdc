// --dry-run of the commands that change something.
#pragma once

#include <string_view>

#include "controlplane/ctl/command.h"

namespace sluice::ctl {

enum class DryRun {
  kNone,
  kClient,  // What can be checked without the control plane; nothing is sent.
  kServer,  // The control plane checks everything and stores nothing.
};

// Alone it means `server`: the whole check, and what it was before it took a value. kubectl took
// it for `client`.
inline constexpr Option kDryRunOption = {
    .flag = "--dry-run",
    .value = "MODE",
    .help =
        "client: check the manifests here and ask nobody; server: let the control plane check "
        "everything and store nothing. Alone, or =true: server",
    .preset = "none",
    .choices = "none|client|server",
    .bare = "server"};

DryRun DryRunOf(const Arguments& arguments);

// What follows the outcome in a line of output, as with kubectl: ``, ` (dry run)`,
// ` (server dry run)`.
std::string_view DryRunText(DryRun dry_run);

}  // namespace sluice::ctl
