// Manifests: any bytes give either resources or diagnostics, and a resource prints as itself.
#include <string_view>

#include "common/base/check.h"
#include "common/manifest/manifest.h"

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const manifest::ParseOutcome outcome = manifest::ParseManifest(text, "fuzz.yaml");
  SLUICE_CHECK(!outcome.documents.empty() || !outcome.diagnostics.empty());
  if (!outcome.diagnostics.empty()) return 0;
  (void)manifest::ValidateDocuments(outcome.documents, /*self_contained=*/true);
  for (const manifest::Document& document : outcome.documents) {
    for (const std::string& printed : {manifest::ToYaml(document.resource.message()),
                                       manifest::ToJson(document.resource.message(), false)}) {
      const manifest::ParseOutcome again = manifest::ParseManifest(printed, "printed");
      SLUICE_CHECK(again.diagnostics.empty());
      SLUICE_CHECK(again.documents.at(0).resource.version() == document.resource.version());
    }
  }
  return 0;
}
