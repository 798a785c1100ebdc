#include "common/manifest/field_text.h"

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <algorithm>
#include <array>

#include "common/base/check.h"
#include "sluice/v1/meta.pb.h"

namespace sluice::manifest {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char ToLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// `10m`, `1m30s`, `16KiB`: digits and letters in turn, letters last, and no number in another base.
bool IsCountWithUnit(std::string_view text) {
  if (text.empty() || !IsDigit(text.front()) || !IsLetter(text.back())) return false;
  if (text.size() > 1 && text[0] == '0' && IsLetter(text[1])) return text.size() == 2;  // `0s`
  return std::all_of(text.begin(), text.end(), [](char c) { return IsDigit(c) || IsLetter(c); });
}

}  // namespace

FieldForm FormOf(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return FieldForm::kBool;
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64:
      return field.options().GetExtension(v1::text_format) == v1::TEXT_FORMAT_SIZE
                 ? FieldForm::kSize
                 : FieldForm::kInteger;
    case FieldDescriptor::CPPTYPE_ENUM:
      return FieldForm::kEnum;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (field.message_type() == google::protobuf::Duration::descriptor())
        return FieldForm::kDuration;
      if (field.message_type() == google::protobuf::Timestamp::descriptor())
        return FieldForm::kTime;
      return FieldForm::kMessage;
    case FieldDescriptor::CPPTYPE_STRING:
    case FieldDescriptor::CPPTYPE_FLOAT:
    case FieldDescriptor::CPPTYPE_DOUBLE:
      break;
  }
  SLUICE_CHECK(field.type() == FieldDescriptor::TYPE_STRING);
  return FieldForm::kText;
}

const FieldDescriptor* FindField(const Descriptor& message, std::string_view name) {
  for (int i = 0; i < message.field_count(); ++i) {
    if (message.field(i)->json_name() == name) return message.field(i);
  }
  return nullptr;
}

std::vector<std::string_view> FieldNames(const Descriptor& message) {
  std::vector<std::string_view> names;
  for (int i = 0; i < message.field_count(); ++i) names.push_back(message.field(i)->json_name());
  return names;
}

bool IsUnspecified(const EnumValueDescriptor& value) {
  return value.number() == 0 && std::string_view(value.name()).ends_with("_UNSPECIFIED");
}

std::string EnumText(const FieldDescriptor& field, const EnumValueDescriptor& value) {
  if (field.options().GetExtension(v1::text_format) != v1::TEXT_FORMAT_CAMEL_CASE) {
    return value.name();
  }
  std::string text;
  bool first = true;  // Letter of a word.
  for (char c : value.name()) {
    if (c != '_') text += first ? c : ToLower(c);
    first = c == '_';
  }
  return text;
}

std::vector<std::string> EnumTexts(const FieldDescriptor& field) {
  std::vector<std::string> texts;
  const EnumDescriptor& type = *field.enum_type();
  for (int i = 0; i < type.value_count(); ++i) {
    if (!IsUnspecified(*type.value(i))) texts.push_back(EnumText(field, *type.value(i)));
  }
  return texts;
}

const EnumValueDescriptor* FindEnumValue(const FieldDescriptor& field, std::string_view text) {
  const EnumDescriptor& type = *field.enum_type();
  for (int i = 0; i < type.value_count(); ++i) {
    const EnumValueDescriptor& value = *type.value(i);
    if (!IsUnspecified(value) && EnumText(field, value) == text) return &value;
  }
  return nullptr;
}

bool LooksLikeOtherType(std::string_view text) {
  constexpr std::array<std::string_view, 11> kWords{"null", "true", "false", "yes", "no", "on",
                                                    "off",  "y",    "n",     "~",   ""};
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), ToLower);
  if (std::find(kWords.begin(), kWords.end(), lower) != kWords.end()) return true;
  // Numbers, dates and base-60 numbers start so. What has a unit does not read as one of them.
  const bool starts_as_number = !text.empty() && (IsDigit(text.front()) || text.front() == '-' ||
                                                  text.front() == '+' || text.front() == '.');
  return starts_as_number && !IsCountWithUnit(text);
}

}  // namespace sluice::manifest
