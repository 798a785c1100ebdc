// The manifests that a command line names, read and checked as far as that goes without a server.
#pragma once

#include <vector>

#include "common/manifest/manifest.h"
#include "controlplane/ctl/command.h"
#include "sluice/v1/resources.pb.h"

namespace sluice::ctl {

// The flag that goes with it. Operands are paths too.
inline constexpr Option kFilenameOption = {
    .flag = "--filename",
    .letter = "f",
    .value = "PATH",
    .help =
        "File, directory (its *.yaml, *.yml and *.json) or - for standard input; may be repeated, "
        "and be a list a,b",
    .repeats = true,
    .offers = Offers::kFiles};

struct ManifestInputOptions {
  bool operands_are_paths = true;
  // A reference to something that is not in the manifests is an error already here.
  bool self_contained = false;
  // Only kind and name matter (ctl delete -f).
  bool names_only = false;
};

// Objects without a namespace get --namespace. On failure everything was said on standard error,
// and the caller returns the status.
tl::expected<std::vector<manifest::Document>, Exit> ReadManifestInput(
    const Invocation& invocation, const ManifestInputOptions& options = {});

v1::ApplyRequest ApplyRequestOf(const std::vector<manifest::Document>& documents, bool dry_run);

}  // namespace sluice::ctl
