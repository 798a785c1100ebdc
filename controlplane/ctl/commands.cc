#include "controlplane/ctl/commands.h"

namespace sluice::ctl {

std::span<const Command* const> Commands() {
  static constexpr const Command* kCommands[] = {
      &kApplyCommand,      &kDiffCommand, &kValidateCommand, &kGetCommand,       &kDescribeCommand,
      &kDeleteCommand,     &kWaitCommand, &kFleetCommand,    &kEndpointsCommand, &kVersionCommand,
      &kCompletionCommand, &kHelpCommand, &kCompleteCommand,
  };
  return kCommands;
}

}  // namespace sluice::ctl
