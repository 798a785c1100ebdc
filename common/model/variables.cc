#include "common/model/variables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/base/limits.h"
#include "common/base/text_format.h"

namespace sluice::model {
namespace {

constexpr std::array kVariables = std::to_array<Variable>({
#define SLUICE_VARIABLE(id, name, known, text) \
  {VariableId::k##id, name, KnownSince::known, VariableText::text},
#include "common/model/variables.def"
#undef SLUICE_VARIABLE
});

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

tl::unexpected<Error> Bad(std::string message) {
  return Fail(ErrorCode::kInvalidArgument, std::move(message));
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
  void AddVariable(std::string_view name) { parts_.emplace_back(VariableName{std::string(name)}); }
  std::vector<TemplatePart> Take() { return std::move(parts_); }

 private:
  std::vector<TemplatePart> parts_;
};

}  // namespace

std::span<const Variable> Variables() { return kVariables; }

Result<const Variable*> ResolveVariable(std::string_view name, TemplateUse use) {
  const auto variable = std::find_if(kVariables.begin(), kVariables.end(),
                                     [&](const Variable& v) { return v.name == name; });
  if (variable == kVariables.end()) {
    std::array<std::string_view, kVariables.size()> names;
    std::transform(kVariables.begin(), kVariables.end(), names.begin(),
                   [](const Variable& v) { return v.name; });
    const std::string_view meant = ClosestWord(name, names.data(), names.size());
    return Bad(
        fmt::format("must name only known variables, got {}{}", Quoted(fmt::format("${}", name)),
                    meant.empty() ? std::string() : fmt::format(", did you mean '${}'", meant)));
  }
  if (use == TemplateUse::kKey && variable->known != KnownSince::kAccept) {
    return Bad(fmt::format(
        "must name only variables that are known when a session is accepted, got '${}'", name));
  }
  return &*variable;
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
    parts.AddVariable(name);
    has_variable = true;
  }
  if (use == TemplateUse::kKey && !has_variable) {
    return Bad(
        fmt::format("must name at least one variable such as $remote_addr, got {}", Quoted(text)));
  }
  return parts.Take();
}

}  // namespace sluice::model
