#include "dataplane/bootstrap/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <string_view>
#include <thread>
#include <utility>

#include "common/base/address.h"
#include "common/base/flag_words.h"
#include "common/base/limits.h"
#include "common/base/text_format.h"
#include "common/base/version.h"
#include "common/model/metadata.h"

namespace sluice::dataplane {
namespace {

bool IsLocal(const std::string& address) {
  if (address.starts_with("localhost:")) return true;
  const Result<SocketAddress> parsed = SocketAddress::Parse(address);
  return parsed && parsed->is_local();
}

// What is wrong beyond the form of single flags; empty: nothing.
std::string Check(const Options& options) {
  if (options.control_planes.empty() == options.config.empty()) {
    return "exactly one of --control-plane and --config is needed";
  }
  if (!options.control_planes.empty() && options.node.empty()) {
    return "--node is needed with --control-plane: a name of its own for every data plane";
  }
  if (options.node.size() > limits::kNodeIdLength) {
    return fmt::format("--node may have at most {} bytes", limits::kNodeIdLength);
  }
  if (!options.config.empty() && !options.state_dir.empty()) {
    return "--state-dir goes with --control-plane: with --config the file is the state";
  }
  for (const std::string& address : options.control_planes) {
    if (!options.insecure && !IsLocal(address)) {
      return fmt::format("'{}' is not on this machine: clear text leaves it only with --insecure",
                         address);
    }
  }
  if (std::string wrong = model::NodeLabelMistake(options.labels); !wrong.empty()) return wrong;
  const std::string& log = options.access_log;
  if (log != "stdout" && log != "stderr" && log != "off" && !log.starts_with('/')) {
    return fmt::format("--access-log must be stdout, stderr, off or an absolute path, got '{}'",
                       log);
  }
  return "";
}

// A file of the operator's own may say anything that he does not forbid; what comes from elsewhere
// only what he allows.
AllowedFolders FoldersOf(std::vector<std::string> named, const Options& options) {
  if (named.empty() && !options.config.empty()) return AllowedFolders::Everywhere();
  return AllowedFolders(std::move(named));
}

}  // namespace

ParsedOptions ParseOptions(int argc, char** argv) {
  Options options;
  options.workers =
      std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, limits::kWorkers);
  std::vector<std::string> labels;
  std::string shutdown_delay = "5s";
  std::string drain_timeout = "20s";
  std::vector<std::string> log_dirs;
  std::vector<std::string> socket_dirs;
  std::string log_level = "info";

  CLI::App app("Forwards TCP and UDP sessions as its control plane, or a file, says.",
               "sluice-dataplane");
  app.footer(
      "SIGTERM, SIGINT and SIGQUIT let sessions end first, a second one ends at once; SIGUSR1 "
      "reopens "
      "access logs, SIGHUP also reads --config again. docs/operations.md has the table.");
  app.set_version_flag("--version", fmt::format("sluice-dataplane {}", kVersion));
  app.add_option("--node", options.node, "Name of this node, one for each data plane");
  app.add_option("--control-plane", options.control_planes,
                 "Discovery addresses of control planes, host:port or unix:/path; tried in turn")
      ->delimiter(',');
  app.add_option(
      "--config", options.config,
      "File or folder of manifests to serve without a control plane; watched for changes");
  app.add_option("--label", labels, "key=value label of this node; may be repeated");
  app.add_option("--workers", options.workers, "Worker threads (default: one a core)")
      ->check(CLI::Range(std::size_t{1}, limits::kWorkers));
  app.add_option(
      "--admin", options.admin,
      "Address for /healthz, /readyz, /metrics and /config (default: none); on loopback or "
      "unix:/path, unless --insecure");
  app.add_option("--state-dir", options.state_dir,
                 "Folder that keeps the last good configuration for a start without control plane");
  app.add_option("--access-log", options.access_log,
                 "stdout, stderr, a path or off: for listeners that say nothing (default: stdout)");
  app.add_option("--shutdown-delay", shutdown_delay,
                 "How long listeners go on after SIGTERM while /readyz fails already, so that load "
                 "balancers look elsewhere first (default: 5s)");
  app.add_option("--log-dir", log_dirs,
                 "Folder that listeners may write access logs below; may be repeated (default: "
                 "none with --control-plane, any with --config)");
  app.add_option("--socket-dir", socket_dirs,
                 "Folder that listeners may make unix sockets below; may be repeated (default: "
                 "none with --control-plane, any with --config)");
  app.add_option("--drain-timeout", drain_timeout,
                 "How long sessions may go on after that, until they are closed (default: 20s)");
  app.add_flag("--insecure", options.insecure,
               "Allow clear text to a control plane on another machine, and an --admin address "
               "that other machines can reach");
  app.add_option("--log-level", log_level, "debug, info, warning or error (default: info)");

  const auto mistake = [](const std::string& message) {
    fmt::print(stderr, "sluice-dataplane: {}\nRun with --help for more information.\n", message);
    return ParsedOptions{std::nullopt, 2};
  };
  constexpr std::string_view kSwitches[] = {"--insecure"};
  auto words = FlagWords({argv + 1, argv + std::max(argc, 1)}, kSwitches);
  if (!words) return mistake(words.error().message);
  std::reverse(words->begin(), words->end());  // As the library takes them.
  try {
    app.parse(std::move(*words));
  } catch (const CLI::Success& success) {
    return {std::nullopt, app.exit(success)};
  } catch (const CLI::ParseError& error) {
    return mistake(error.what());
  }
  for (const std::string& label : labels) {
    const std::size_t equals = label.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return mistake(fmt::format("--label must be key=value, got '{}'", label));
    }
    options.labels[label.substr(0, equals)] = label.substr(equals + 1);
  }
  const auto delay = ParseDuration(shutdown_delay);
  if (!delay) return mistake(fmt::format("--shutdown-delay: {}", delay.error().message));
  options.shutdown_delay = std::chrono::duration_cast<std::chrono::milliseconds>(*delay);
  for (const auto& [flag, folders] :
       {std::pair("--log-dir", &log_dirs), std::pair("--socket-dir", &socket_dirs)}) {
    for (const std::string& folder : *folders) {
      if (!folder.starts_with('/')) {
        return mistake(fmt::format("{} must be an absolute path, got '{}'", flag, folder));
      }
    }
  }
  options.log_folders = FoldersOf(std::move(log_dirs), options);
  options.socket_folders = FoldersOf(std::move(socket_dirs), options);
  const auto drain = ParseDuration(drain_timeout);
  if (!drain) return mistake(fmt::format("--drain-timeout: {}", drain.error().message));
  options.drain_timeout = std::chrono::duration_cast<std::chrono::milliseconds>(*drain);
  const auto level = ParseLogLevel(log_level);
  if (!level) return mistake(fmt::format("--log-level: {}", level.error().message));
  options.log_level = *level;
  if (const std::string wrong = Check(options); !wrong.empty()) return mistake(wrong);
  return {options, 0};
}

}  // namespace sluice::dataplane
