#include "controlplane/ctl/dry_run.h"

namespace sluice::ctl {

DryRun DryRunOf(const Arguments& arguments) {
  const std::string mode = arguments.Text(kDryRunOption.flag);
  if (mode == "client") return DryRun::kClient;
  return mode == "server" ? DryRun::kServer : DryRun::kNone;
}

std::string_view DryRunText(DryRun dry_run) {
  switch (dry_run) {
    case DryRun::kClient:
      return " (dry run)";
    case DryRun::kServer:
      return " (server dry run)";
    default:
      return "";
  }
}

}  // namespace sluice::ctl
