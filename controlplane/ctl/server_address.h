// Which control plane ctl talks to, and who said so: --server, then SLUICE_SERVER, then `server:`
// of the configuration file (--config, SLUICE_CONFIG, ~/.config/sluice/ctl.yaml), then the default.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/error.h"

namespace sluice::ctl {

inline constexpr std::string_view kDefaultServer = "127.0.0.1:7070";

struct ServerAddress {
  std::string target;  // `host:port` or `unix:/path`.
  std::string origin;  // For the message when nobody answers: `from --server`.
};

struct ServerAddressSources {
  std::string server_flag;  // Empty: not given.
  std::string config_flag;
  // An environment variable; empty when unset.
  std::function<std::string(const char*)> environment;
};

// Reads the configuration file when it comes to that. A file that was named has to exist; the one
// in the home directory may be missing.
Result<ServerAddress> ResolveServerAddress(const ServerAddressSources& sources);

}  // namespace sluice::ctl
