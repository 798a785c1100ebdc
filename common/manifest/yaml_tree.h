// YAML text as a flat tree with positions, within the bounds of limits.h. First step of reading a
// manifest; knows nothing of resources. The one place that meets yaml-cpp, which throws: nothing
// leaves here. Immutable after parsing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::manifest {

struct YamlNode {
  enum class Type : std::uint8_t { kNull, kScalar, kSequence, kMap };
  Type type = Type::kNull;
  bool quoted =
      false;       // Scalar: written in quotes or as a block, so that it is text and nothing else.
  int line = 0;    // From 1.
  int column = 0;  // From 1.
  std::string text;                     // Scalar.
  std::vector<std::uint32_t> children;  // Sequence: items. Map: key, value, key, value, …
};

struct YamlProblem {
  int line = 0;
  int column = 0;
  std::string message;
};

struct YamlTree {
  // An alias is the index of what it stands for, so a node may have several parents but never
  // itself as an ancestor.
  std::vector<YamlNode> nodes;
  std::vector<std::uint32_t> roots;    // One a document.
  std::optional<YamlProblem> problem;  // Set: the tree must not be used.

  const YamlNode& operator[](std::uint32_t index) const { return nodes[index]; }
};

YamlTree ParseYaml(std::string_view text);

}  // namespace sluice::manifest
