#include "common/model/metadata.h"

#include <fmt/format.h>

#include "common/base/limits.h"
#include "common/base/text_format.h"
#include "common/model/field_check.h"

namespace sluice::model {

bool IsObjectName(std::string_view text) {
  Violations violations;
  FieldCheck(violations).ObjectName("", text);
  return violations.empty();
}

std::string NodeLabelMistake(const std::map<std::string, std::string>& labels) {
  Violations violations;
  FieldCheck(violations).Labels("--label", {labels.begin(), labels.end()});
  return violations.empty() ? "" : violations.front().message;
}

void ValidateMetadata(const v1::ObjectMeta& meta, Violations& violations) {
  FieldCheck check(violations);
  check.ObjectName("metadata.name", meta.name());
  check.ObjectName("metadata.namespace", meta.namespace_());
  check.Labels("metadata.labels", meta.labels());
  std::size_t annotation_bytes = 0;
  for (const auto& [key, value] : meta.annotations()) {
    if (!IsLabelKey(key)) {
      check.Refuse("metadata.annotations",
                   fmt::format("must have keys of 1-{} letters, digits, '-', '_' and '.', with an "
                               "optional DNS prefix and '/', got {}",
                               limits::kNameLength, Quoted(key)));
    }
    annotation_bytes += key.size() + value.size();
  }
  if (annotation_bytes > limits::kAnnotationBytes) {
    check.Refuse("metadata.annotations",
                 fmt::format("must have at most {} in keys and values together, got {} bytes",
                             FormatSize(limits::kAnnotationBytes), annotation_bytes));
  }
}

}  // namespace sluice::model
