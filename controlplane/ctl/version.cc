// ctl version: of this program, and of the control plane when one answers.
#include "common/base/version.h"

#include <fmt/format.h>

#include <ostream>

#include "controlplane/ctl/client.h"
#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/report.h"

namespace sluice::ctl {
namespace {

Exit RunVersion(const Invocation& invocation) {
  invocation.out << fmt::format("client: {}\n", kVersion);
  if (invocation.arguments.Has("--client")) return Exit::kOk;
  invocation.out.flush();
  Client client(invocation.server, invocation.request_timeout);
  const auto info = client.ServerInfo();
  if (!info) {  // The question about this program was answered.
    ReportCall(invocation, info.error());
    return Exit::kOk;
  }
  invocation.out << fmt::format("server: {} ({}, generation {})\n", info->version(),
                                invocation.server.target, info->generation());
  return Exit::kOk;
}

constexpr Option kOptions[] = {
    {.flag = "--client", .help = "Do not ask the control plane"},
};

}  // namespace

const Command kVersionCommand = {
    .name = "version",
    .operands = {},
    .summary = "Prints the version of ctl and of the control plane",
    .details = {},
    .options = kOptions,
    .run = RunVersion,
};

}  // namespace sluice::ctl
