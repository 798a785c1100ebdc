#include "controlplane/ctl/server_address.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <filesystem>

#include "common/base/limits.h"
#include "common/manifest/manifest_files.h"

namespace sluice::ctl {
namespace {

// A name is allowed as the host, unlike in a listener's address.
Result<ServerAddress> Checked(std::string target, std::string origin) {
  if (target.starts_with("unix:/")) return ServerAddress{std::move(target), std::move(origin)};
  const auto colon = target.rfind(':');
  if (colon != std::string::npos && colon > 0) {
    const std::string_view host = std::string_view(target).substr(0, colon);
    const bool bare_ipv6 = host.find(':') != std::string_view::npos && !host.starts_with('[');
    const char* const end = target.data() + target.size();
    int port = 0;
    const auto parsed = std::from_chars(target.data() + colon + 1, end, port);
    if (!bare_ipv6 && parsed.ec == std::errc() && parsed.ptr == end && port > 0 && port <= 65535) {
      return ServerAddress{std::move(target), std::move(origin)};
    }
  }
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("the server address must be host:port or unix:/path, got '{}' ({})",
                          target, origin));
}

// The `server` of a configuration file; nullopt when it names none.
Result<std::optional<std::string>> ServerIn(const std::string& path) {
  const auto text = manifest::ReadManifestFile(path, limits::kCtlConfigBytes);
  if (!text) {
    return Fail(text.error().code,
                fmt::format("the configuration file {}: {}", path, text.error().message));
  }
  try {
    const YAML::Node root = YAML::Load(*text);
    if (root.IsNull()) return std::nullopt;
    if (!root.IsMap()) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}: must be a map with the key `server`", path));
    }
    for (const auto& entry : root) {
      const auto key = entry.first.as<std::string>();
      if (key != "server") {
        return Fail(ErrorCode::kInvalidArgument,
                    fmt::format("{}:{}:{}: unknown key '{}'; the only one is `server`", path,
                                entry.first.Mark().line + 1, entry.first.Mark().column + 1, key));
      }
    }
    const YAML::Node server = root["server"];
    if (!server) return std::nullopt;
    if (!server.IsScalar()) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}:{}:{}: `server` must be host:port or unix:/path", path,
                              server.Mark().line + 1, server.Mark().column + 1));
    }
    return server.as<std::string>();
  } catch (const YAML::Exception& error) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{}:{}:{}: {}", path, error.mark.line + 1,
                                                         error.mark.column + 1, error.msg));
  }
}

}  // namespace

Result<ServerAddress> ResolveServerAddress(const ServerAddressSources& sources) {
  if (!sources.server_flag.empty()) return Checked(sources.server_flag, "from --server");
  if (auto server = sources.environment("SLUICE_SERVER"); !server.empty()) {
    return Checked(std::move(server), "from SLUICE_SERVER");
  }
  std::string path = sources.config_flag;
  if (path.empty()) path = sources.environment("SLUICE_CONFIG");
  if (path.empty()) {
    const std::string home = sources.environment("HOME");
    const std::string standard = home + "/.config/sluice/ctl.yaml";
    std::error_code ignored;
    if (!home.empty() && std::filesystem::exists(standard, ignored)) path = standard;
  }
  if (!path.empty()) {
    auto server = ServerIn(path);
    if (!server) return tl::unexpected(server.error());
    if (*server) return Checked(**server, "from " + path);
  }
  return ServerAddress{std::string(kDefaultServer), "the default address"};
}

}  // namespace sluice::ctl
