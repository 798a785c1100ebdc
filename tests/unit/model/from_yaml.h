// Resources of a test, written as a person writes them.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/manifest/manifest.h"
#include "common/model/resource.h"
#include "common/model/validate.h"

namespace sluice::model {

// Every document of the text; `apiVersion` is added to each.
inline std::vector<Resource> FromYaml(const std::string& text) {
  const auto parsed = manifest::ParseManifest(text, "test.yaml");
  for (const auto& diagnostic : parsed.diagnostics) ADD_FAILURE() << diagnostic.Text();
  std::vector<Resource> resources;
  for (const auto& document : parsed.documents) resources.push_back(document.resource);
  return resources;
}

inline Resource One(std::string_view kind, std::string_view spec,
                    std::string_view metadata = "{name: a}") {
  const auto resources =
      FromYaml("apiVersion: sluice.dev/v1\nkind: " + std::string(kind) +
               "\nmetadata: " + std::string(metadata) + "\nspec: " + std::string(spec) + "\n");
  EXPECT_EQ(resources.size(), 1U);
  return resources.at(0);
}

inline std::vector<std::string> Messages(const Violations& violations) {
  std::vector<std::string> messages;
  for (const Violation& violation : violations) messages.push_back(violation.message);
  return messages;
}

inline Change Put(Resource resource) {
  ResourceKey key = resource.key();
  return {std::move(key), std::make_shared<const Resource>(std::move(resource))};
}

}  // namespace sluice::model
