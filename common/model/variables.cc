#include "common/model/variables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/base/limits.h"
#include "common/base/text_format.h"

namespace sluice::model {
namespace {

using enum VariableId;

constexpr std::array kVariables = std::to_array<Variable>({
    {kRemoteAddr, "remote_addr", true},
    {kRemotePort, "remote_port", true},
    {kBinaryRemoteAddr, "binary_remote_addr", true},
    {kServerAddr, "server_addr", true},
    {kServerPort, "server_port", true},
    {kProtocol, "protocol", true},
    {kConnection, "connection", true},
    {kMsec, "msec", true},
    {kTimeIso8601, "time_iso8601", true},
    {kTimeLocal, "time_local", true},
    {kPid, "pid", true},
    {kHostname, "hostname", true},
    {kListener, "listener", true},
    {kNamespace, "namespace", true},
    {kStatus, "status", false},
    {kBytesReceived, "bytes_received", false},
    {kBytesSent, "bytes_sent", false},
    {kSessionTime, "session_time", false},
    {kUpstream, "upstream", false},
    {kUpstreamAddr, "upstream_addr", false},
    {kUpstreamBytesSent, "upstream_bytes_sent", false},
    {kUpstreamBytesReceived, "upstream_bytes_received", false},
    {kUpstreamConnectTime, "upstream_connect_time", false},
    {kUpstreamFirstByteTime, "upstream_first_byte_time", false},
    {kUpstreamSessionTime, "upstream_session_time", false},
    {kLimitConnStatus, "limit_conn_status", false},
    {kAccessPolicy, "access_policy", false},
    {kCloseReason, "close_reason", false},
    {kClosePhase, "close_phase", false},
    {kCloseSide, "close_side", false},
});

constexpr bool InOrderOfId() {
  for (std::size_t i = 0; i < kVariables.size(); ++i) {
    if (static_cast<std::size_t>(kVariables[i].id) != i) return false;
  }
  return true;
}
static_assert(InOrderOfId());

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

tl::unexpected<Error> Bad(std::string message) {
  return Fail(ErrorCode::kInvalidArgument, std::move(message));
}

Result<VariableId> Lookup(std::string_view name, TemplateUse use) {
  const Variable* variable = FindVariable(name);
  if (variable == nullptr) {
    std::array<std::string_view, kVariables.size()> names;
    std::transform(kVariables.begin(), kVariables.end(), names.begin(),
                   [](const Variable& v) { return v.name; });
    const std::string_view meant = ClosestWord(name, names.data(), names.size());
    return Bad(
        fmt::format("must name only known variables, got {}{}", Quoted(fmt::format("${}", name)),
                    meant.empty() ? std::string() : fmt::format(", did you mean '${}'", meant)));
  }
  if (use == TemplateUse::kKey && !variable->usable_as_key) {
    return Bad(fmt::format(
        "must name only variables that are known when a session is accepted, got '${}'", name));
  }
  return variable->id;
}

// Collects parts so that neighbouring text stays one part.
class PartList {
 public:
  void AddText(std::string_view text) {
    if (text.empty()) return;
    if (parts_.empty() || !std::holds_alternative<std::string>(parts_.back())) {
      parts_.emplace_back(std::string());
    }
    std::get<std::string>(parts_.back()) += text;
  }
  void AddVariable(VariableId id) { parts_.emplace_back(id); }
  std::vector<TemplatePart> Take() { return std::move(parts_); }

 private:
  std::vector<TemplatePart> parts_;
};

}  // namespace

std::span<const Variable> Variables() { return kVariables; }

const Variable* FindVariable(std::string_view name) {
  const auto found = std::find_if(kVariables.begin(), kVariables.end(),
                                  [&](const Variable& v) { return v.name == name; });
  return found == kVariables.end() ? nullptr : &*found;
}

Result<std::vector<TemplatePart>> ParseTemplate(std::string_view text, TemplateUse use) {
  if (text.empty()) return Bad("must not be empty");
  if (text.size() > limits::kTextTemplateBytes) {
    return Bad(
        fmt::format("must have at most {} bytes, got {}", limits::kTextTemplateBytes, text.size()));
  }
  if (text.find('\0') != text.npos)
    return Bad(fmt::format("must not hold a NUL, got {}", Quoted(text)));
  PartList parts;
  bool has_variable = false;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t dollar = std::min(rest.find('$'), rest.size());
    parts.AddText(rest.substr(0, dollar));
    rest.remove_prefix(dollar);
    if (rest.empty()) break;
    rest.remove_prefix(1);
    if (rest.starts_with('$')) {
      parts.AddText("$");
      rest.remove_prefix(1);
      continue;
    }
    const bool braced = rest.starts_with('{');
    if (braced) rest.remove_prefix(1);
    const auto end = std::find_if_not(rest.begin(), rest.end(), IsNameCharacter);
    const std::string_view name = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
    rest.remove_prefix(name.size());
    if (name.empty() || (braced && !rest.starts_with('}'))) {
      return Bad(
          fmt::format("must write a variable as $name or ${{name}} and a dollar sign as $$, got {}",
                      Quoted(text)));
    }
    if (braced) rest.remove_prefix(1);
    const Result<VariableId> id = Lookup(name, use);
    if (!id) return tl::unexpected<Error>(id.error());
    parts.AddVariable(*id);
    has_variable = true;
  }
  if (use == TemplateUse::kKey && !has_variable) {
    return Bad(
        fmt::format("must name at least one variable such as $remote_addr, got {}", Quoted(text)));
  }
  return parts.Take();
}

}  // namespace sluice::model
