// Templates: a key is a log format too, and no part is empty.
#include <string_view>

#include "common/base/check.h"
#include "common/model/variables.h"

using namespace sluice::model;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parts = ParseTemplate(text, TemplateUse::kLogRecord);
  if (parts) {
    SLUICE_CHECK(!parts->empty());
    for (const TemplatePart& part : *parts) {
      const auto* literal = std::get_if<std::string>(&part);
      SLUICE_CHECK(literal == nullptr || !literal->empty());
    }
  }
  if (ParseTemplate(text, TemplateUse::kKey)) SLUICE_CHECK(parts.has_value());
  return 0;
}
