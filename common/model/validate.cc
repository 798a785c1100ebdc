#include "common/model/validate.h"

#include <fmt/format.h>
#include <google/protobuf/unknown_field_set.h>

#include "common/base/limits.h"
#include "common/base/text_format.h"
#include "common/model/field_check.h"
#include "common/model/metadata.h"

namespace sluice::model {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// A field that this version does not know would silently do nothing.
void CheckNoUnknownFields(const Message& message, const std::string& path, FieldCheck& check) {
  const auto* reflection = message.GetReflection();
  const auto& unknown = reflection->GetUnknownFields(message);
  if (!unknown.empty()) {
    check.Refuse(path,
                 fmt::format("must have only fields that this version knows, got field number '{}'",
                             unknown.field(0).number()));
  }
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || field->is_map()) continue;
    const std::string at =
        path.empty() ? field->json_name() : fmt::format("{}.{}", path, field->json_name());
    if (!field->is_repeated()) {
      CheckNoUnknownFields(reflection->GetMessage(message, field), at, check);
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(message, field) && !check.full(); ++i) {
      CheckNoUnknownFields(reflection->GetRepeatedMessage(message, field, i),
                           Item(at, static_cast<std::size_t>(i)), check);
    }
  }
}

}  // namespace

Violations Validate(const Resource& resource) {
  Violations violations;
  FieldCheck check(violations);
  if (resource.kind().read_only) {
    check.Refuse("kind",
                 fmt::format("must be a kind that can be applied; {} is made by the control plane",
                             resource.kind().name));
    return violations;
  }
  ValidateMetadata(resource.meta(), violations);
  resource.kind().validate(resource.message(), violations);
  CheckNoUnknownFields(resource.message(), "", check);
  if (const std::size_t bytes = resource.message().ByteSizeLong(); bytes > limits::kResourceBytes) {
    check.Refuse("spec", fmt::format("must make an object of at most {}, got {} bytes",
                                     FormatSize(limits::kResourceBytes), bytes));
  }
  return violations;
}

bool Selects(const google::protobuf::Map<std::string, std::string>& selector,
             const std::map<std::string, std::string>& labels) {
  for (const auto& [key, value] : selector) {
    const auto label = labels.find(key);
    if (label == labels.end() || label->second != value) return false;
  }
  return true;
}

}  // namespace sluice::model
