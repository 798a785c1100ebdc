// --config: the resources of YAML files as a source of configuration. Reading compares with what
// was read before, so that a reload changes only what the files changed. Control thread only.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/manifest/manifest.h"
#include "dataplane/compile/resource_update.h"

namespace sluice::dataplane {

class StaticConfig {
 public:
  // A file, or a folder of them.
  explicit StaticConfig(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }

  // Reads everything. What differs from the last good reading; or, when anything at all is wrong,
  // everything that is (the first limits::kViolationsReported, then how many more there are), and
  // the last good reading stays.
  tl::expected<ResourceUpdates, std::vector<manifest::Diagnostic>> Read();

 private:
  const std::string path_;
  std::map<model::ResourceKey, VersionedResource> read_;
};

}  // namespace sluice::dataplane
