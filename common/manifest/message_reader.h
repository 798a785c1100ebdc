// A YAML map to a protobuf message, driven by the message's descriptor. Reports everything that is
// wrong and where; knows no kind and no field by name. Pure.
#pragma once

#include <google/protobuf/message.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/manifest/manifest.h"
#include "common/manifest/yaml_tree.h"

namespace sluice::manifest {

// At most limits::kViolationsCounted are kept.
void AddDiagnostic(std::vector<Diagnostic>& diagnostics, Diagnostic diagnostic);
// As a person goes through the files: these in the order in which they first appear.
void SortByPosition(std::vector<Diagnostic>& diagnostics);

class MessageReader {
 public:
  // What is read is entered into `fields` by its path; what is wrong into `diagnostics`.
  MessageReader(const YamlTree& tree, const std::string& file,
                std::map<std::string, Position, std::less<>>& fields,
                std::vector<Diagnostic>& diagnostics)
      : tree_(tree), file_(file), fields_(fields), diagnostics_(diagnostics) {}

  // Reads the fields of a map. Those for which skip(path) answers true are allowed but not read.
  void ReadMap(std::uint32_t map, const std::string& path, bool (*skip)(std::string_view path),
               google::protobuf::Message& message);

  // Fields that are reported, those included that a misspelt one was probably meant to be.
  const std::set<std::string, std::less<>>& unread() const { return unread_; }

 private:
  Position At(const YamlNode& node) const { return {file_, node.line, node.column}; }
  void Report(const YamlNode& node, const std::string& field, std::string message);
  // Calls visit(key, key node, value index) for each entry of a map, but for those whose key is no
  // text or has been before, which are reported. False when the node is no map.
  template <typename Visit>
  bool ForEachEntry(std::uint32_t map, const std::string& path, const Visit& visit);
  void ReadField(std::uint32_t value, const std::string& path, bool (*skip)(std::string_view),
                 const google::protobuf::FieldDescriptor& field,
                 google::protobuf::Message& message);
  void ReadTextMap(std::uint32_t value, const std::string& path,
                   const google::protobuf::FieldDescriptor& field,
                   google::protobuf::Message& message);
  void ReadItem(std::uint32_t value, const std::string& path, bool (*skip)(std::string_view),
                const google::protobuf::FieldDescriptor& field, google::protobuf::Message& message);
  void ReadScalar(const YamlNode& node, const std::string& path,
                  const google::protobuf::FieldDescriptor& field,
                  google::protobuf::Message& message);
  void ReadInteger(const YamlNode& node, const std::string& path,
                   const google::protobuf::FieldDescriptor& field,
                   google::protobuf::Message& message);
  // False, after a report: the key has been before.
  bool CheckKey(const YamlNode& key, const std::string& path,
                std::map<std::string_view, int>& lines);

  const YamlTree& tree_;
  const std::string& file_;
  std::map<std::string, Position, std::less<>>& fields_;
  std::vector<Diagnostic>& diagnostics_;
  std::set<std::string, std::less<>> unread_;
};

}  // namespace sluice::manifest
