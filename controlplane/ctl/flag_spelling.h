// The words of a command line as people spell them for kubectl, turned into the one spelling that
// the flags library reads: `--wait=false`, `-w=true`, `-o=json`, `-n=team`, `-f=a.yaml`,
// `--dry-run`. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/ctl/command.h"

namespace sluice::ctl {

// `words` without the program's name, up to the first `--`. A flag that no command has stays as it
// is: the parser says so. The error names the flag and what it takes.
Result<std::vector<std::string>> PlainSpelling(std::span<const Command* const> commands,
                                               std::span<const char* const> words);

// The values of a flag that takes a list: `a,b`; a value with a comma is put in double quotes
// (twice two of them mean one), as in a line of CSV. The error says what is wrong with the quotes.
Result<std::vector<std::string>> SplitList(std::string_view list);

}  // namespace sluice::ctl
