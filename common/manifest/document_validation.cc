// ValidateDocuments: the model's violations with the positions of what they speak of.
#include <algorithm>
#include <map>
#include <memory>

#include "common/manifest/manifest.h"
#include "common/manifest/message_reader.h"
#include "common/model/validate.h"

namespace sluice::manifest {
namespace {

Diagnostic At(const Document& document, const model::Violation& violation) {
  return {document.PositionOf(violation.field), violation.field, violation.message};
}

}  // namespace

std::vector<Diagnostic> ValidateDocuments(const std::vector<Document>& documents,
                                          bool self_contained) {
  std::vector<Diagnostic> diagnostics;
  std::map<model::ResourceKey, const Document*> by_key;
  std::vector<model::Change> valid;
  std::vector<model::ResourceKey> keys;
  for (const Document& document : documents) {
    by_key.emplace(document.resource.key(), &document);
    const model::Violations& violations = document.resource.violations();
    for (const model::Violation& violation : violations) {
      AddDiagnostic(diagnostics, At(document, violation));
    }
    // Relations are asked of valid objects only.
    if (!violations.empty()) continue;
    valid.push_back(
        {document.resource.key(), std::make_shared<const model::Resource>(document.resource)});
    keys.push_back(document.resource.key());
  }
  for (const auto& found : model::ValidateRelations(model::ResourceSet().With(valid), keys)) {
    if (found.missing && (!self_contained || by_key.contains(*found.missing))) continue;
    AddDiagnostic(diagnostics, At(*by_key.at(found.object), found.violation));
  }
  SortByPosition(diagnostics);
  return diagnostics;
}

}  // namespace sluice::manifest
