// The commands of ctl. Each is defined in the file of its name, and Commands() is the list of all.
// Immutable.
#pragma once

#include <span>

#include "controlplane/ctl/command.h"

namespace sluice::ctl {

extern const Command kApplyCommand;
extern const Command kDiffCommand;
extern const Command kValidateCommand;
extern const Command kGetCommand;
extern const Command kDescribeCommand;
extern const Command kDeleteCommand;
extern const Command kWaitCommand;
extern const Command kFleetCommand;
extern const Command kEndpointsCommand;
extern const Command kVersionCommand;
extern const Command kCompletionCommand;
extern const Command kHelpCommand;
extern const Command kCompleteCommand;  // Hidden: what the completion scripts call.

// In the order of the help text.
std::span<const Command* const> Commands();

}  // namespace sluice::ctl
