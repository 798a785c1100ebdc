// Objects for these tests, from their YAML.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/manifest/manifest.h"

namespace sluice::ctl {

inline std::vector<model::Resource> FromYaml(const std::string& yaml) {
  const auto parsed = manifest::ParseManifest(yaml, "test.yaml");
  for (const auto& diagnostic : parsed.diagnostics) ADD_FAILURE() << diagnostic.Text();
  std::vector<model::Resource> resources;
  for (const auto& document : parsed.documents) resources.push_back(document.resource);
  return resources;
}

// The object with what the control plane writes added by `edit`.
template <typename Message, typename Edit>
model::Resource With(const model::Resource& resource, Edit edit) {
  auto message = std::make_unique<Message>(resource.As<Message>());
  edit(*message);
  return model::Resource::FromMessage(std::move(message));
}

}  // namespace sluice::ctl
