// The rows that main.cc puts into its table. Each is defined in the file of its name.
#pragma once

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
extern const Command kCompleteCommand;  // Hidden: what the completion scripts call.

}  // namespace sluice::ctl
