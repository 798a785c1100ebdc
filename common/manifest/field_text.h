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

// A zero value that only says that nothing was given.
bool IsUnspecified(const google::protobuf::EnumValueDescriptor& value);
// Without such a value.
std::vector<std::string_view> EnumNames(const google::protobuf::EnumDescriptor& type);

// YAML 1.1 or 1.2 would read the text, written without quotes, as something else than text.
bool LooksLikeOtherType(std::string_view text);

}  // namespace sluice::manifest
