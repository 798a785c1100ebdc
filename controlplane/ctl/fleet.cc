// ctl fleet: every data plane, what it should run, what it runs, and what it refuses.
#include <fmt/format.h>

#include <chrono>
#include <ostream>

#include "controlplane/ctl/client.h"
#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/fleet_table.h"
#include "controlplane/ctl/listing.h"
#include "controlplane/ctl/report.h"

namespace sluice::ctl {
namespace {

Exit RunFleet(const Invocation& invocation) {
  Client client(invocation.server, invocation.request_timeout);
  const auto nodes =
      client.List(*model::FindKind("DataPlane"), std::string(model::kDefaultNamespace),
                  invocation.arguments.Text("--selector"));
  if (!nodes) return ReportCall(invocation, nodes.error());
  const std::string_view nothing_found =
      invocation.arguments.Has("--selector")
          ? "No data planes found with these labels"
          : "No data planes found: none is connected, and none was lately";
  if (PrintUnlessTable(invocation,
                       {.resources = nodes->resources, .nothing_found = nothing_found})) {
    return Exit::kOk;
  }
  const std::string format = invocation.arguments.Text(kOutputOption.flag);
  invocation.out << FleetText(nodes->resources,
                              {.wide = format == "wide",
                               .headers = !invocation.arguments.Has("--no-headers"),
                               .now = std::chrono::system_clock::now()});
  return Exit::kOk;
}

constexpr Option kOptions[] = {
    kOutputOption,
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
