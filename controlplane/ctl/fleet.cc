// ctl fleet: every data plane, what it should run, what it runs, and what it refuses.
#include <fmt/format.h>

#include <chrono>
#include <ostream>

#include "controlplane/ctl/client.h"
#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/fleet_table.h"
#include "controlplane/ctl/object_text.h"
#include "controlplane/ctl/report.h"

namespace sluice::ctl {
namespace {

Exit RunFleet(const Invocation& invocation) {
  Client client(invocation.server, invocation.request_timeout);
  const auto nodes =
      client.List(*model::FindKind("DataPlane"), std::string(model::kDefaultNamespace),
                  invocation.arguments.Text("--selector"));
  if (!nodes) return ReportCall(invocation, nodes.error());
  const std::string format = invocation.arguments.Text("--output");
  if (format == "json") {
    invocation.out << JsonOf(nodes->resources, true);
    return Exit::kOk;
  }
  if (nodes->resources.empty()) {
    invocation.err << (invocation.arguments.Has("--selector")
                           ? "No data planes found with these labels\n"
                           : "No data planes found: none is connected, and none was lately\n");
    return Exit::kOk;
  }
  if (format == "yaml") {
    invocation.out << YamlOf(nodes->resources);
  } else if (format == "name") {
    invocation.out << NamesOf(nodes->resources);
  } else {
    invocation.out << FleetText(nodes->resources,
                                {.wide = format == "wide",
                                 .headers = !invocation.arguments.Has("--no-headers"),
                                 .now = std::chrono::system_clock::now()});
  }
  return Exit::kOk;
}

constexpr Option kOptions[] = {
    {.flag = "--output",
     .letter = "o",
     .value = "FORMAT",
     .help = "Instead of the table",
     .choices = kOutputChoices},
    {.flag = "--selector",
     .letter = "l",
     .value = "SELECTOR",
     .help = "Only data planes with these labels"},
    {.flag = "--no-headers", .help = "No header lines, and no list of refusals"},
};

}  // namespace

const Command kFleetCommand = {
    .name = "fleet",
    .operands = {},
    .summary = "Shows the data planes: what each should run, runs and refuses",
    .details = {},
    .options = kOptions,
    .run = RunFleet,
};

}  // namespace sluice::ctl
