// ctl validate: what apply would check, without a control plane.
#include <fmt/format.h>

#include <ostream>

#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/manifest_input.h"

namespace sluice::ctl {
namespace {

Exit RunValidate(const Invocation& invocation) {
  const auto documents = ReadManifestInput(
      invocation, {.self_contained = invocation.arguments.Has("--self-contained")});
  if (!documents) return documents.error();
  for (const auto& document : *documents) {
    invocation.out << document.resource.key().Text() << " valid\n";
  }
  return Exit::kOk;
}

constexpr Option kOptions[] = {
    kFilenameOption,
    {.flag = "--self-contained",
     .help = "A reference to an object that is not in these manifests is an error too"},
};

}  // namespace

const Command kValidateCommand = {
    .name = "validate",
    .operands = "[PATH...]",
    .summary = "Checks manifests offline and reports everything that is wrong",
    .details =
        "The same checks as the control plane's, but for what only it can know: whether the\n"
        "objects agree with those that are stored.",
    .options = kOptions,
    .offers = Offers::kFiles,
    .run = RunValidate,
};

}  // namespace sluice::ctl
