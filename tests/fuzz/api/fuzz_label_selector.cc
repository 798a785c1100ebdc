// Selectors: what is accepted can be asked, and says no more than what is looked at.
#include <string>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "controlplane/api/label_selector.h"

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto selector = controlplane::LabelSelector::Parse(text);
  SLUICE_CHECK(!selector || size <= limits::kSelectorBytes);
  if (!selector) {
    SLUICE_CHECK(!selector.error().message.empty());
    return 0;
  }
  google::protobuf::Map<std::string, std::string> labels;
  const bool none = selector->Selects(labels);
  labels["a"] = "b";
  labels["team"] = "orders";
  const bool some = selector->Selects(labels);
  if (size == 0) SLUICE_CHECK(none && some);
  return 0;
}
