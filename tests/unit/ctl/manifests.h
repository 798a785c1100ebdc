// Objects for these tests, from their YAML.
#pragma once

#include <memory>
#include <utility>

#include "common/model/resource.h"
#include "tests/support/yaml_resources.h"

namespace sluice::ctl {

using test::FromYaml;

// The object with what the control plane writes added by `edit`.
template <typename Message, typename Edit>
model::Resource With(const model::Resource& resource, Edit edit) {
  auto message = std::make_unique<Message>(resource.As<Message>());
  edit(*message);
  return model::Resource::FromMessage(std::move(message));
}

}  // namespace sluice::ctl
