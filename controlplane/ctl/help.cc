// ctl help: what --help prints, as a command. The parser answers it.
#include "controlplane/ctl/command_line.h"
#include "controlplane/ctl/commands.h"

namespace sluice::ctl {

const Command kHelpCommand = {
    .name = "help",
    .operands = "[COMMAND]",
    .summary = "Prints how ctl, or one of its commands, is used",
    .details = "The same as `ctl COMMAND --help` and `ctl COMMAND help`.",
    .offers = Offers::kCommands,
};

}  // namespace sluice::ctl
