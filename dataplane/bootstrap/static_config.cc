#include "dataplane/bootstrap/static_config.h"

#include <memory>
#include <utility>

namespace sluice::dataplane {

tl::expected<ResourceUpdates, std::vector<manifest::Diagnostic>> StaticConfig::Read() {
  manifest::ParseOutcome outcome = manifest::ReadManifests({path_});
  if (outcome.diagnostics.empty()) {
    outcome.diagnostics = manifest::ValidateDocuments(outcome.documents, true);
  }
  if (!outcome.diagnostics.empty()) return tl::unexpected(std::move(outcome.diagnostics));

  std::map<model::ResourceKey, HeldResource> now;
  for (manifest::Document& document : outcome.documents) {
    auto resource = std::make_shared<const model::Resource>(std::move(document.resource));
    now[resource->key()] = {resource, resource->version()};
  }
  ResourceUpdates updates;
  for (const auto& [key, held] : read_) {
    if (!now.contains(key)) updates.push_back({key, {}});
  }
  for (auto& [key, held] : now) {
    const auto before = read_.find(key);
    if (before != read_.end() && before->second.version == held.version) {
      held = before->second;
    } else {
      updates.push_back({key, held});
    }
  }
  read_ = std::move(now);
  return updates;
}

}  // namespace sluice::dataplane
