#include "controlplane/ctl/command.h"

#include <fmt/format.h>

#include "common/base/text_format.h"

namespace sluice::ctl {

std::span<const Option> GlobalOptions() {
  static constexpr Option kOptions[] = {
      {.flag = "--server",
       .value = "ADDRESS",
       .help = "Control plane, host:port or unix:/path. Otherwise SLUICE_SERVER, then the "
               "configuration file, then 127.0.0.1:7070"},
      {.flag = "--config",
       .value = "FILE",
       .help = "Configuration file with `server:`. Otherwise SLUICE_CONFIG, then "
               "~/.config/sluice/ctl.yaml",
       .offers = Offers::kFiles},
      {.flag = "--namespace",
       .letter = "n",
       .value = "NAMESPACE",
       .help = "Namespace of the objects that are named on the command line",
       .preset = "default"},
      {.flag = "--request-timeout",
       .value = "DURATION",
       .help = "For one request to the control plane",
       .preset = "30s"},
  };
  return kOptions;
}

std::string Arguments::Text(std::string_view flag) const {
  if (const auto found = values_.find(flag); found != values_.end() && !found->second.empty()) {
    return found->second.back();
  }
  const auto preset = presets_.find(flag);
  return preset == presets_.end() ? std::string() : preset->second;
}

std::vector<std::string> Arguments::All(std::string_view flag) const {
  const auto found = values_.find(flag);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

Result<std::chrono::nanoseconds> Arguments::Duration(std::string_view flag) const {
  auto parsed = ParseDuration(Text(flag));
  if (!parsed || parsed->count() == 0) {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{} must be a duration above 0 such as 30s or 2m, got '{}'", flag, Text(flag)));
  }
  return parsed;
}

void Arguments::Set(std::string_view flag, std::vector<std::string> values) {
  values_.insert_or_assign(std::string(flag), std::move(values));
}

void Arguments::SetPreset(std::string_view flag, std::string_view value) {
  presets_.insert_or_assign(std::string(flag), std::string(value));
}

}  // namespace sluice::ctl
