// One resource of a test, written as a person writes it, and what is wrong with it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "common/model/resource.h"
#include "common/model/validate.h"
#include "tests/support/yaml_resources.h"

namespace sluice::model {

inline Resource One(std::string_view kind, std::string_view spec,
                    std::string_view metadata = "{name: a}") {
  const auto resources = test::FromYaml("apiVersion: sluice.dev/v1\nkind: " + std::string(kind) +
                                        "\nmetadata: " + std::string(metadata) +
                                        "\nspec: " + std::string(spec) + "\n");
  EXPECT_EQ(resources.size(), 1U);
  return resources.at(0);
}

inline std::vector<std::string> Messages(const Violations& violations) {
  std::vector<std::string> messages;
  for (const Violation& violation : violations) messages.push_back(violation.message);
  return messages;
}

}  // namespace sluice::model
