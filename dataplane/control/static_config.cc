#include "dataplane/control/static_config.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "common/base/limits.h"

namespace sluice::dataplane {
namespace {

std::vector<manifest::Diagnostic> Shortened(std::vector<manifest::Diagnostic> diagnostics,
                                            const std::string& path) {
  if (diagnostics.size() <= limits::kViolationsReported) return diagnostics;
  const std::size_t more = diagnostics.size() - limits::kViolationsReported;
  diagnostics.resize(limits::kViolationsReported);
  diagnostics.push_back({{path}, "", fmt::format("... and {} more", more)});
  return diagnostics;
}

}  // namespace

tl::expected<ResourceUpdates, std::vector<manifest::Diagnostic>> StaticConfig::Read() {
  manifest::ParseOutcome outcome = manifest::ReadManifests({path_});
  if (outcome.diagnostics.empty()) {
    outcome.diagnostics = manifest::ValidateDocuments(outcome.documents, true);
  }
  if (!outcome.diagnostics.empty()) {
    return tl::unexpected(Shortened(std::move(outcome.diagnostics), path_));
  }

  std::map<model::ResourceKey, VersionedResource> now;
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
