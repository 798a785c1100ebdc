// The $variables that text templates (log formats, limit keys, hash keys) may name, and the parser
// of such templates. Validation asks whether a template is good; the data plane compiles it from
// the same parts, so both agree on what a template says. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/error.h"

namespace sluice::model {

// Names and meanings are nginx's where nginx has the variable; docs/reference/variables.md tells
// them.
enum class VariableId : std::uint8_t {
  kRemoteAddr,
  kRemotePort,
  kBinaryRemoteAddr,
  kServerAddr,
  kServerPort,
  kProtocol,
  kConnection,
  kMsec,
  kTimeIso8601,
  kTimeLocal,
  kPid,
  kHostname,
  kListener,
  kNamespace,
  kStatus,
  kBytesReceived,
  kBytesSent,
  kSessionTime,
  kUpstream,
  kUpstreamAddr,
  kUpstreamBytesSent,
  kUpstreamBytesReceived,
  kUpstreamConnectTime,
  kUpstreamFirstByteTime,
  kUpstreamSessionTime,
  kLimitConnStatus,
  kAccessPolicy,
  kCloseReason,
  kClosePhase,
  kCloseSide,
};

struct Variable {
  VariableId id;
  std::string_view name;  // Without the `$`.
  // Known as soon as the session is accepted, so it may stand in a key. The others are worth
  // something only when the session's record is written.
  bool usable_as_key;
};

// All of them, in the order of VariableId.
std::span<const Variable> Variables();
const Variable* FindVariable(std::string_view name);

// A piece of a template: text to copy, or a variable to put in.
using TemplatePart = std::variant<std::string, VariableId>;

enum class TemplateUse : std::uint8_t {
  kLogRecord,  // Any variable.
  kKey,        // Only variables usable as a key, and at least one of them.
};

// Reads `$name`, `${name}` and `$$` (one dollar sign; nginx has no way to write it). Names are
// case-sensitive. Neighbouring text is one part and no part is empty. Errors read on after a field
// path: `must …, got '…'`.
Result<std::vector<TemplatePart>> ParseTemplate(std::string_view text, TemplateUse use);

}  // namespace sluice::model
