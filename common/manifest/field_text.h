// Which text stands for which field, both ways: lowerCamelCase names, durations, timestamps, sizes
// and enum names. Shared by the reader and the writer, so that they agree. Pure.
#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <string_view>
#include <vector>

namespace sluice::manifest {

// How the value of a field is written.
enum class FieldForm {
  kBool,
  kInteger,
  kSize,  // An integer that counts bytes: `16KiB`.
  kText,
  kEnum,
  kDuration,  // google.protobuf.Duration: `5s`.
  kTime,      // google.protobuf.Timestamp, RFC 3339.
  kMessage,
};
// The field's, or of one of its items. For the types that the schema uses (checked).
FieldForm FormOf(const google::protobuf::FieldDescriptor& field);

// nullptr when the message has no such field.
const google::protobuf::FieldDescriptor* FindField(const google::protobuf::Descriptor& message,
                                                   std::string_view name);
std::vector<std::string_view> FieldNames(const google::protobuf::Descriptor& message);

// A zero value that only says that nothing was given. It has no text.
bool IsUnspecified(const google::protobuf::EnumValueDescriptor& value);
// Of a kEnum field: `LEAST_TIME`, or `True` where the schema wants CamelCase.
std::string EnumText(const google::protobuf::FieldDescriptor& field,
                     const google::protobuf::EnumValueDescriptor& value);
// Of all its values.
std::vector<std::string> EnumTexts(const google::protobuf::FieldDescriptor& field);
// nullptr when the text stands for no value.
const google::protobuf::EnumValueDescriptor* FindEnumValue(
    const google::protobuf::FieldDescriptor& field, std::string_view text);

// YAML 1.1 or 1.2 would read the text, written without quotes, as something else than text.
bool LooksLikeOtherType(std::string_view text);

}  // namespace sluice::manifest
