// The command line to a command and its arguments. The only place that knows the flags library.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "controlplane/ctl/command.h"

namespace sluice::ctl {

struct CommandLine {
  const Command* command = nullptr;
  Arguments arguments;
  // Set when there is nothing to run: help was asked for, or the words are wrong.
  struct Answer {
    Exit exit;
    std::string text;
  };
  std::optional<Answer> answer;
};

CommandLine ParseCommandLine(std::span<const Command* const> commands, int argc,
                             const char* const* argv);

}  // namespace sluice::ctl
