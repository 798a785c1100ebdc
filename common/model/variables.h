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
// them, variables.def lists them.
enum class VariableId : std::uint8_t {
#define SLUICE_VARIABLE(id, name, known, text) k##id,
#include "common/model/variables.def"
#undef SLUICE_VARIABLE
};

enum class KnownSince : std::uint8_t {
  kAccept,  // As soon as the session is accepted, so it may stand in a key.
  kEnd,     // Only when the session's record is written.
};

enum class VariableText : std::uint8_t { kPlain, kAny };

struct Variable {
  VariableId id;
  std::string_view name;  // Without the `$`.
  KnownSince known;
  VariableText text;
};

// All of them, in the order of VariableId.
std::span<const Variable> Variables();

enum class TemplateUse : std::uint8_t {
  kLogRecord,  // Any variable.
  kKey,        // Only variables that are known at accept, and at least one of them.
};

// What `name` (without the `$`) stands for. Errors: no such variable (with the nearest name), or
// one that is not known yet where the template is used; they read on after a field path.
Result<const Variable*> ResolveVariable(std::string_view name, TemplateUse use);

// A piece of a template: text to copy, or a variable to put in.
struct VariableName {
  std::string name;
  friend bool operator==(const VariableName&, const VariableName&) = default;
};
using TemplatePart = std::variant<std::string, VariableName>;

// Reads `$name`, `${name}` and `$$` (one dollar sign; nginx has no way to write it). Names are
// case-sensitive, and not looked up here: which there are may depend on other objects. Neighbouring
// text is one part and no part is empty. Errors read on after a field path: `must …, got '…'`.
Result<std::vector<TemplatePart>> ParseTemplate(std::string_view text, TemplateUse use);

}  // namespace sluice::model
