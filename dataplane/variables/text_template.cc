#include "dataplane/variables/text_template.h"

#include <array>
#include <variant>

#include "common/model/variables.h"
#include "dataplane/variables/variables.h"

namespace sluice::dataplane {
namespace {

// nginx's escape=default: `"`, `\` and bytes that are not printable ASCII.
constexpr bool MustEscape(char c) { return c < 0x20 || c >= 0x7f || c == '"' || c == '\\'; }

// Replaces each such byte of out[from…] by \xHH.
void EscapeFrom(std::size_t from, std::string& out) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::size_t escapes = 0;
  for (std::size_t i = from; i < out.size(); ++i) escapes += MustEscape(out[i]) ? 1 : 0;
  if (escapes == 0) return;
  // From the back, so that nothing is overwritten before it is read.
  std::size_t read = out.size();
  out.resize(out.size() + 3 * escapes);
  std::size_t write = out.size();
  while (read > from) {
    const char c = out[--read];
    if (!MustEscape(c)) {
      out[--write] = c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out[--write] = kHex[byte & 0x0f];
    out[--write] = kHex[byte >> 4];
    out[--write] = 'x';
    out[--write] = '\\';
  }
}

}  // namespace

Result<std::shared_ptr<const TextTemplate>> TextTemplate::Compile(std::string_view text,
                                                                  Missing missing) {
  const auto use =
      missing == Missing::kDash ? model::TemplateUse::kLogRecord : model::TemplateUse::kKey;
  auto parsed = model::ParseTemplate(text, use);
  if (!parsed) return tl::unexpected<Error>(std::move(parsed.error()));
  std::vector<Part> parts;
  Part part;
  for (model::TemplatePart& piece : *parsed) {
    if (auto* literal = std::get_if<std::string>(&piece)) {
      part.literal += *literal;
      continue;
    }
    const auto variable = model::ResolveVariable(std::get<model::VariableName>(piece).name, use);
    if (!variable) return tl::unexpected<Error>(variable.error());
    part.append = AppenderOf((*variable)->id);
    part.may_need_escapes = (*variable)->text == model::VariableText::kAny;
    parts.push_back(std::move(part));
    part = Part();
  }
  if (!part.literal.empty()) parts.push_back(std::move(part));
  return std::make_shared<const TextTemplate>(std::move(parts), missing);
}

void TextTemplate::Render(const SessionState& session, std::string& out) const {
  for (const Part& part : parts_) {
    out += part.literal;
    if (part.append == nullptr) break;
    const std::size_t from = out.size();
    part.append(session, out);
    if (missing_ == Missing::kEmpty) continue;
    if (out.size() == from) {
      out += '-';
    } else if (part.may_need_escapes) {
      EscapeFrom(from, out);
    }
  }
}

}  // namespace sluice::dataplane
