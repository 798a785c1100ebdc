// Command line of sluice-dataplane.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/allowed_folders.h"
#include "common/log/event_log.h"

namespace sluice::dataplane {

struct Options {
  std::string node;
  std::vector<std::string> control_planes;  // Empty with --config.
  std::string config;                       // Empty with --control-plane.
  std::map<std::string, std::string> labels;
  std::size_t workers = 1;
  std::string admin;      // Empty: none.
  std::string state_dir;  // Empty: nothing is kept.
  std::string access_log = "stdout";
  // After a signal to stop: listeners go on for the first, sessions may go on for the second.
  std::chrono::milliseconds shutdown_delay{5'000};
  std::chrono::milliseconds drain_timeout{20'000};
  // Where objects may have access logs written and unix sockets made.
  AllowedFolders log_folders = AllowedFolders::Everywhere();
  AllowedFolders socket_folders = AllowedFolders::Everywhere();
  bool insecure = false;
  LogLevel log_level = LogLevel::kInfo;
};

struct ParsedOptions {
  std::optional<Options> options;
  int exit_status = 0;  // When there are none: what --help, --version or a mistake ends with.
};

// Prints help, version and mistakes.
ParsedOptions ParseOptions(int argc, char** argv);

}  // namespace sluice::dataplane
