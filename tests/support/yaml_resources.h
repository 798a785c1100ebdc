// Resources of a test, written as a person writes them.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/manifest/manifest.h"
#include "common/model/resource.h"

namespace sluice::test {

// Every document of the text.
inline std::vector<model::Resource> FromYaml(const std::string& text) {
  const auto parsed = manifest::ParseManifest(text, "test.yaml");
  for (const auto& diagnostic : parsed.diagnostics) ADD_FAILURE() << diagnostic.Text();
  std::vector<model::Resource> resources;
  for (const auto& document : parsed.documents) resources.push_back(document.resource);
  return resources;
}

}  // namespace sluice::test
