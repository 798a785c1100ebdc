// What could come next on a command line that is being typed. Driven by the table of commands and
// the table of kinds, so that it knows every command, flag and kind there is. Pure but for `names`.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "controlplane/ctl/command.h"

namespace sluice::ctl {

struct CompletionSource {
  std::span<const Command* const> commands;
  // Names of the objects of a kind; may be empty when nobody answers.
  std::function<std::vector<std::string>(std::string_view kind)> names;
  // Addresses of the endpoints of an upstream.
  std::function<std::vector<std::string>(std::string_view upstream)> addresses;
};

struct Completion {
  std::vector<std::string> words;  // Sorted; each starts with what was typed.
  bool files = false;              // Files belong here: the shell knows them.
};

// `words` are those after `ctl`; the last one is being typed and may be empty.
Completion Complete(const CompletionSource& source, const std::vector<std::string>& words);

}  // namespace sluice::ctl
