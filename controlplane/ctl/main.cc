// ctl: a person's (and a script's) hand on the control plane. The list of its commands is in
// commands.cc; each is a file of its name.
#include <fmt/format.h>

#include <cstdlib>
#include <iostream>

#include "common/base/limits.h"
#include "common/base/text_format.h"
#include "common/model/metadata.h"
#include "controlplane/ctl/command_line.h"
#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/server_address.h"

namespace sluice::ctl {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Exit Complain(const std::string& message) {
  std::cerr << "error: " << message << "\n";
  return Exit::kUsage;
}

Exit Main(int argc, const char* const* argv) {
  const CommandLine line = ParseCommandLine(Commands(), argc, argv);
  if (line.answer) {
    (line.answer->exit == Exit::kOk ? std::cout : std::cerr) << line.answer->text;
    return line.answer->exit;
  }
  auto server = ResolveServerAddress({.server_flag = line.arguments.Text("--server"),
                                      .config_flag = line.arguments.Text("--config"),
                                      .environment = Environment});
  if (!server) return Complain(server.error().message);
  const std::string ns = line.arguments.Text("--namespace");
  if (!model::IsObjectName(ns)) {
    return Complain(fmt::format("--namespace must be 1-{} of a-z, 0-9 and '-', got {}",
                                limits::kNameLength, Quoted(ns)));
  }
  const auto request_timeout = line.arguments.Duration("--request-timeout");
  if (!request_timeout) return Complain(request_timeout.error().message);

  const Exit exit = line.command->run({.arguments = line.arguments,
                                       .server = std::move(*server),
                                       .request_timeout = *request_timeout,
                                       .ns = ns,
                                       .out = std::cout,
                                       .err = std::cerr,
                                       .commands = Commands()});
  std::cout.flush();
  if (!std::cout) return Complain("cannot write to standard output"), Exit::kFailed;
  return exit;
}

}  // namespace
}  // namespace sluice::ctl

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  return static_cast<int>(sluice::ctl::Main(argc, argv));
}
