#include "common/manifest/message_reader.h"

#include <fmt/format.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <tuple>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/base/text_format.h"
#include "common/manifest/field_text.h"

namespace sluice::manifest {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Type = YamlNode::Type;

// What the node is, for `got …`.
std::string Describe(const YamlNode& node) {
  switch (node.type) {
    case Type::kNull:
      return "nothing";
    case Type::kSequence:
      return "a list";
    case Type::kMap:
      return "a map";
    case Type::kScalar:
      break;
  }
  return Quoted(node.text);
}

std::string Listed(const std::vector<std::string_view>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

// `path.name`, or `name` at the top.
std::string Member(std::string_view path, std::string_view name) {
  return path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
}

// A whole number without quotes, as YAML 1.2 and JSON both read it.
template <typename Number>
bool ParseInteger(const YamlNode& node, Number& number) {
  if (node.quoted) return false;
  std::string_view digits = node.text;
  if (digits.starts_with('-')) digits.remove_prefix(1);
  if (digits.empty() || (digits.size() > 1 && digits[0] == '0')) return false;
  const char* end = node.text.data() + node.text.size();
  const auto [read_to, error] = std::from_chars(node.text.data(), end, number);
  return error == std::errc() && read_to == end;
}

// Exactly what YAML 1.2 reads as null, a truth value or a number.
bool IsOtherScalar(std::string_view text) {
  constexpr std::array<std::string_view, 6> kWords{"true",  "True",  "TRUE",
                                                   "false", "False", "FALSE"};
  for (std::string_view word : kWords) {
    if (text == word) return true;
  }
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  if (text == ".inf" || text == ".Inf" || text == ".INF" || text == ".nan" || text == ".NaN" ||
      text == ".NAN") {
    return true;
  }
  const bool digit_first =
      !text.empty() && (text.front() == '.' || (text.front() >= '0' && text.front() <= '9'));
  if (!digit_first) return false;
  const char* end = text.data() + text.size();
  if (text.starts_with("0x") || text.starts_with("0o")) {
    unsigned long long number = 0;
    const auto read = std::from_chars(text.data() + 2, end, number, text[1] == 'x' ? 16 : 8);
    return read.ptr == end && text.size() > 2;
  }
  double number = 0;
  return std::from_chars(text.data(), end, number).ptr == end;
}

}  // namespace

void AddDiagnostic(std::vector<Diagnostic>& diagnostics, Diagnostic diagnostic) {
  if (diagnostics.size() < limits::kViolationsCounted) diagnostics.push_back(std::move(diagnostic));
}

void SortByPosition(std::vector<Diagnostic>& diagnostics) {
  std::map<std::string, std::size_t> order;
  for (const Diagnostic& diagnostic : diagnostics) {
    order.emplace(diagnostic.position.file, order.size());
  }
  const auto place = [&](const Diagnostic& diagnostic) {
    const Position& at = diagnostic.position;
    return std::tuple(order.at(at.file), at.line, at.column);
  };
  std::stable_sort(diagnostics.begin(), diagnostics.end(),
                   [&](const auto& a, const auto& b) { return place(a) < place(b); });
}

template <typename Visit>
bool MessageReader::ForEachEntry(std::uint32_t map, const std::string& path, const Visit& visit) {
  const YamlNode& node = tree_[map];
  if (node.type != YamlNode::Type::kMap) return false;
  std::map<std::string_view, int> lines;
  for (std::size_t i = 0; i + 1 < node.children.size(); i += 2) {
    const YamlNode& key = tree_[node.children[i]];
    if (CheckKey(key, path, lines)) visit(key.text, key, node.children[i + 1]);
  }
  return true;
}

void MessageReader::Report(const YamlNode& node, const std::string& field, std::string message) {
  unread_.insert(field);
  AddDiagnostic(diagnostics_, {At(node), field, std::move(message)});
}

bool MessageReader::CheckKey(const YamlNode& key, const std::string& path,
                             std::map<std::string_view, int>& lines) {
  if (key.type != Type::kScalar) {
    Report(key, path, fmt::format("a field's name must be text, got {}", Describe(key)));
    return false;
  }
  const auto [first, fresh] = lines.emplace(key.text, key.line);
  if (fresh) return true;
  Report(key, Member(path, key.text),
         fmt::format("{} must be given once{}, it is in line {} already", Quoted(key.text),
                     path.empty() ? "" : fmt::format(" in `{}`", path), first->second));
  return false;
}

void MessageReader::ReadMap(std::uint32_t map, const std::string& path,
                            bool (*skip)(std::string_view path), Message& message) {
  const auto& descriptor = *message.GetDescriptor();
  const bool is_map = ForEachEntry(
      map, path, [&](const std::string& name, const YamlNode& key, std::uint32_t value) {
        const std::string at = Member(path, name);
        if (skip(at)) {
          fields_.emplace(at, At(key));
          return;
        }
        const FieldDescriptor* field = FindField(descriptor, name);
        if (field == nullptr) {
          const std::vector<std::string_view> names = FieldNames(descriptor);
          const std::string_view meant = ClosestWord(name, names.data(), names.size());
          if (!meant.empty()) unread_.insert(Member(path, meant));
          Report(key, at,
                 fmt::format("unknown field `{}`, {}", Printable(at),
                             meant.empty() ? fmt::format("known here: {}", fmt::join(names, ", "))
                                           : fmt::format("did you mean `{}`?", meant)));
          return;
        }
        fields_.emplace(at, At(key));
        ReadField(value, at, skip, *field, message);
      });
  if (!is_map) {
    Report(tree_[map], path,
           fmt::format("`{}` must be a map of fields, got {}", path, Describe(tree_[map])));
  }
}

void MessageReader::ReadField(std::uint32_t value, const std::string& path,
                              bool (*skip)(std::string_view), const FieldDescriptor& field,
                              Message& message) {
  const YamlNode& node = tree_[value];
  if (node.type == Type::kNull) return;  // As if the field were not there.
  if (field.is_map()) return ReadTextMap(value, path, field, message);
  if (!field.is_repeated()) return ReadItem(value, path, skip, field, message);
  if (node.type != Type::kSequence) {
    return Report(node, path, fmt::format("`{}` must be a list, got {}", path, Describe(node)));
  }
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    const std::string item = fmt::format("{}[{}]", path, i);
    fields_.emplace(item, At(tree_[node.children[i]]));
    ReadItem(node.children[i], item, skip, field, message);
  }
}

void MessageReader::ReadTextMap(std::uint32_t value, const std::string& path,
                                const FieldDescriptor& field, Message& message) {
  const FieldDescriptor* key_field = field.message_type()->map_key();
  const FieldDescriptor* value_field = field.message_type()->map_value();
  const bool is_map = ForEachEntry(
      value, path, [&](const std::string& name, const YamlNode& key, std::uint32_t entry_value) {
        const std::string at = fmt::format("{}[{}]", path, name);  // As violations name it.
        fields_.emplace(at, At(key));
        Message* entry = message.GetReflection()->AddMessage(&message, &field);
        entry->GetReflection()->SetString(entry, key_field, name);
        const YamlNode& text = tree_[entry_value];
        if (text.type == Type::kScalar) {
          ReadScalar(text, at, *value_field, *entry);
        } else if (text.type != Type::kNull) {
          Report(text, at, fmt::format("`{}` must be text, got {}", at, Describe(text)));
        }
      });
  if (!is_map) {
    Report(tree_[value], path,
           fmt::format("`{}` must be a map of texts, got {}", path, Describe(tree_[value])));
  }
}

void MessageReader::ReadItem(std::uint32_t value, const std::string& path,
                             bool (*skip)(std::string_view), const FieldDescriptor& field,
                             Message& message) {
  const YamlNode& node = tree_[value];
  if (FormOf(field) == FieldForm::kMessage) {
    const auto* reflection = message.GetReflection();
    Message* inner = field.is_repeated() ? reflection->AddMessage(&message, &field)
                                         : reflection->MutableMessage(&message, &field);
    return ReadMap(value, path, skip, *inner);
  }
  if (node.type != Type::kScalar) {
    return Report(node, path,
                  fmt::format("`{}` must be a single value, got {}", path, Describe(node)));
  }
  ReadScalar(node, path, field, message);
}

void MessageReader::ReadScalar(const YamlNode& node, const std::string& path,
                               const FieldDescriptor& field, Message& message) {
  const FieldForm form = FormOf(field);
  // Lists are of texts or messages; see the schema test.
  SLUICE_CHECK(!field.is_repeated() || form == FieldForm::kText);
  const auto* reflection = message.GetReflection();
  const auto refuse = [&](std::string_view problem) {
    Report(node, path, fmt::format("`{}` {}", path, problem));
  };
  switch (form) {
    case FieldForm::kText:
      if (!node.quoted && IsOtherScalar(node.text)) {
        return refuse(fmt::format("must be text, got {}; put it in quotes", Quoted(node.text)));
      }
      if (field.is_repeated()) return reflection->AddString(&message, &field, node.text);
      return reflection->SetString(&message, &field, node.text);
    case FieldForm::kBool:
      if (node.quoted || (node.text != "true" && node.text != "false")) {
        return refuse(fmt::format("must be true or false, got {}", Quoted(node.text)));
      }
      return reflection->SetBool(&message, &field, node.text == "true");
    case FieldForm::kInteger:
      return ReadInteger(node, path, field, message);
    case FieldForm::kSize: {
      const Result<std::uint64_t> bytes = ParseSize(node.text);
      if (!bytes) return refuse(bytes.error().message);
      return reflection->SetUInt64(&message, &field, *bytes);
    }
    case FieldForm::kEnum: {
      if (const auto* value = FindEnumValue(field, node.text)) {
        return reflection->SetEnum(&message, &field, value);
      }
      const std::vector<std::string> texts = EnumTexts(field);
      const std::vector<std::string_view> names(texts.begin(), texts.end());
      const std::string_view meant = ClosestWord(node.text, names.data(), names.size());
      return refuse(fmt::format("must be {}, got {}{}", Listed(names), Quoted(node.text),
                                meant.empty() ? "" : fmt::format(", did you mean {}", meant)));
    }
    case FieldForm::kDuration: {
      const Result<std::chrono::nanoseconds> duration = ParseDuration(node.text);
      if (!duration) return refuse(duration.error().message);
      auto& out =
          dynamic_cast<google::protobuf::Duration&>(*reflection->MutableMessage(&message, &field));
      out = google::protobuf::util::TimeUtil::NanosecondsToDuration(duration->count());
      return;
    }
    case FieldForm::kTime: {
      auto& out =
          dynamic_cast<google::protobuf::Timestamp&>(*reflection->MutableMessage(&message, &field));
      if (!google::protobuf::util::TimeUtil::FromString(node.text, &out)) {
        refuse(
            fmt::format("must be a time such as 2026-01-31T12:00:00Z, got {}", Quoted(node.text)));
      }
      return;
    }
    case FieldForm::kMessage:
      break;
  }
  SLUICE_CHECK(false);
}

void MessageReader::ReadInteger(const YamlNode& node, const std::string& path,
                                const FieldDescriptor& field, Message& message) {
  const auto* reflection = message.GetReflection();
  const auto read = [&]<typename Number>(Number number, const auto& set) {
    if (ParseInteger(node, number)) return set(number);
    using Limits = std::numeric_limits<Number>;
    Report(node, path,
           fmt::format("`{}` must be a whole number of {} to {}, without quotes, got {}", path,
                       Limits::min(), Limits::max(), Quoted(node.text)));
  };
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return read(std::int32_t{}, [&](auto n) { reflection->SetInt32(&message, &field, n); });
    case FieldDescriptor::CPPTYPE_INT64:
      return read(std::int64_t{}, [&](auto n) { reflection->SetInt64(&message, &field, n); });
    case FieldDescriptor::CPPTYPE_UINT32:
      return read(std::uint32_t{}, [&](auto n) { reflection->SetUInt32(&message, &field, n); });
    default:
      return read(std::uint64_t{}, [&](auto n) { reflection->SetUInt64(&message, &field, n); });
  }
}

}  // namespace sluice::manifest
