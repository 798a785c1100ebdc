// ToYaml and ToJson: a message as a tree of JSON values in reading order, then as text.
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "common/base/check.h"
#include "common/base/text_format.h"
#include "common/manifest/field_text.h"
#include "common/manifest/manifest.h"

namespace sluice::manifest {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Json = nlohmann::ordered_json;

Json JsonOf(const Message& message);

std::string DurationText(const Message& message) {
  const auto& duration = dynamic_cast<const google::protobuf::Duration&>(message);
  return FormatDuration(std::chrono::seconds(duration.seconds()) +
                        std::chrono::nanoseconds(duration.nanos()));
}

// An item of a list, with its index, or the value of a field that is no list.
struct Value {
  const Message& message;
  const FieldDescriptor& field;
  int index = -1;

  const google::protobuf::Reflection& reflection() const { return *message.GetReflection(); }

  const Message& Inner() const {
    return index < 0 ? reflection().GetMessage(message, &field)
                     : reflection().GetRepeatedMessage(message, &field, index);
  }
  std::string Text() const {
    return index < 0 ? reflection().GetString(message, &field)
                     : reflection().GetRepeatedString(message, &field, index);
  }
  Json Integer() const {
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return reflection().GetInt32(message, &field);
      case FieldDescriptor::CPPTYPE_INT64:
        return reflection().GetInt64(message, &field);
      case FieldDescriptor::CPPTYPE_UINT32:
        return reflection().GetUInt32(message, &field);
      default:
        return reflection().GetUInt64(message, &field);
    }
  }
  // An enum number of a newer version has no name here.
  Json Enum() const {
    const int number = reflection().GetEnumValue(message, &field);
    const auto* value = field.enum_type()->FindValueByNumber(number);
    return value == nullptr ? Json(number) : Json(EnumText(field, *value));
  }

  Json ToJson() const {
    switch (FormOf(field)) {
      case FieldForm::kBool:
        return reflection().GetBool(message, &field);
      case FieldForm::kInteger:
        return Integer();
      case FieldForm::kSize:
        return FormatSize(reflection().GetUInt64(message, &field));
      case FieldForm::kText:
        return Text();
      case FieldForm::kEnum:
        return Enum();
      case FieldForm::kDuration:
        return DurationText(Inner());
      case FieldForm::kTime:
        return google::protobuf::util::TimeUtil::ToString(
            dynamic_cast<const google::protobuf::Timestamp&>(Inner()));
      case FieldForm::kMessage:
        return JsonOf(Inner());
    }
    SLUICE_CHECK(false);
  }
};

Json MapJson(const Message& message, const FieldDescriptor& field) {
  const auto* reflection = message.GetReflection();
  std::map<std::string, Json> sorted;
  for (int i = 0; i < reflection->FieldSize(message, &field); ++i) {
    const Message& entry = reflection->GetRepeatedMessage(message, &field, i);
    sorted.emplace(entry.GetReflection()->GetString(entry, field.message_type()->map_key()),
                   Value{entry, *field.message_type()->map_value()}.ToJson());
  }
  Json json = Json::object();
  for (auto& [key, value] : sorted) json[key] = std::move(value);
  return json;
}

// Absent fields are left out, but an enum says which choice is in force unless it is none.
bool IsShown(const Message& message, const FieldDescriptor& field) {
  const auto* reflection = message.GetReflection();
  if (field.is_repeated()) return reflection->FieldSize(message, &field) > 0;
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
    const auto* value =
        field.enum_type()->FindValueByNumber(reflection->GetEnumValue(message, &field));
    return value == nullptr || !IsUnspecified(*value);
  }
  return reflection->HasField(message, &field);
}

Json JsonOf(const Message& message) {
  Json json = Json::object();
  const auto* descriptor = message.GetDescriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const FieldDescriptor& field = *descriptor->field(i);
    if (!IsShown(message, field)) continue;
    Json& out = json[field.json_name()];
    if (field.is_map()) {
      out = MapJson(message, field);
    } else if (field.is_repeated()) {
      for (int j = 0; j < message.GetReflection()->FieldSize(message, &field); ++j) {
        out.push_back(Value{message, field, j}.ToJson());
      }
    } else {
      out = Value{message, field}.ToJson();
    }
  }
  return json;
}

Json ResourceJson(const Message& resource) {
  Json json{{"apiVersion", model::kApiVersion}, {"kind", resource.GetDescriptor()->name()}};
  json.update(JsonOf(resource));
  return json;
}

std::string JsonText(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Text without quotes where every YAML reader takes it for text; JSON's quoted form is YAML too.
std::string YamlScalar(const Json& json) {
  if (!json.is_string()) return JsonText(json);
  const std::string& text = json.get_ref<const std::string&>();
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_./+").find(c) != std::string_view::npos;
  };
  const bool starts_plain = !text.empty() && text.front() != '-' && text.front() != '+';
  if (starts_plain && std::all_of(text.begin(), text.end(), plain) && !LooksLikeOtherType(text)) {
    return text;
  }
  return JsonText(json);
}

bool IsLeaf(const Json& json) { return !json.is_structured() || json.empty(); }

void AppendYaml(const Json& json, std::size_t indent, std::string& out);

// After `key:` or `-`: a leaf goes on in the line, anything else below it.
void AppendYamlValue(const Json& value, std::size_t indent, std::string& out) {
  if (IsLeaf(value)) {
    out += ' ' + YamlScalar(value) + '\n';
    return;
  }
  out += '\n';
  AppendYaml(value, indent, out);
}

void AppendYaml(const Json& json, std::size_t indent, std::string& out) {
  const std::string margin(indent, ' ');
  if (json.is_object()) {
    for (const auto& [key, value] : json.items()) {
      out += margin + YamlScalar(key) + ':';
      AppendYamlValue(value, value.is_array() ? indent : indent + 2, out);
    }
    return;
  }
  for (const Json& item : json) {
    if (IsLeaf(item)) {
      out += margin + "- " + YamlScalar(item) + '\n';
      continue;
    }
    // The item's first line stands beside its dash.
    const std::size_t start = out.size();
    AppendYaml(item, indent + 2, out);
    out[start + indent] = '-';
  }
}

}  // namespace

std::string ToYaml(const Message& resource) {
  std::string text;
  AppendYaml(ResourceJson(resource), 0, text);
  return text;
}

std::string ToJson(const Message& resource, bool pretty) {
  const Json json = ResourceJson(resource);
  return pretty ? json.dump(2, ' ', false, Json::error_handler_t::replace) : JsonText(json);
}

}  // namespace sluice::manifest
