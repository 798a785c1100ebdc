// What get and fleet do alike with the objects they found: --output's forms for programs, and the
// word that there are none.
#pragma once

#include <string_view>
#include <vector>

#include "common/model/resource.h"
#include "controlplane/ctl/command.h"

namespace sluice::ctl {

inline constexpr Option kOutputOption = {.flag = "--output",
                                         .letter = "o",
                                         .value = "FORMAT",
                                         .help = "Instead of the table",
                                         .choices = "wide|yaml|json|name"};

struct FoundObjects {
  const std::vector<model::Resource>& resources;
  bool as_list = true;             // JSON: a List even of one.
  std::string_view nothing_found;  // What a person is told when there are none.
};

// False: there are some, and a table of them was asked for.
bool PrintUnlessTable(const Invocation& invocation, const FoundObjects& found);

}  // namespace sluice::ctl
