#include "common/manifest/manifest.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>

#include <memory>
#include <set>

#include "common/base/limits.h"
#include "common/base/text_format.h"
#include "common/manifest/manifest_files.h"
#include "common/manifest/message_reader.h"
#include "common/manifest/yaml_tree.h"
#include "common/model/validate.h"

namespace sluice::manifest {
namespace {

using google::protobuf::Message;
using Type = YamlNode::Type;

// Read before the rest (the header), or written by the control plane: accepted, so that what
// `ctl get` prints can be applied again. metadata.resourceVersion is read: it is a precondition.
bool IsNotRead(std::string_view path) {
  return path == "apiVersion" || path == "kind" || path == "status" || path == "metadata.uid" ||
         path == "metadata.generation" || path == "metadata.creationTimestamp";
}

std::vector<std::string_view> KindNames() {
  std::vector<std::string_view> names;
  for (const model::Kind& kind : model::Kinds()) names.push_back(kind.name);
  return names;
}

// By its full name only.
const model::Kind* KindNamed(std::string_view name) {
  const model::Kind* kind = model::FindKind(name);
  return kind != nullptr && kind->name == name ? kind : nullptr;
}

// What has been read so far.
struct Reading {
  ParseOutcome outcome;
  std::set<std::size_t> broken;  // Documents with fields that could not be read.
};

using Fields = std::set<std::string, std::less<>>;

// Is the field one of them, or in one of them?
bool IsAmong(std::string_view field, const Fields& fields) {
  while (!fields.contains(field)) {
    const std::size_t end = field.find_last_of(".[");
    if (end == field.npos) return false;
    field = field.substr(0, end);
  }
  return true;
}

// Everything that is wrong with a document but for the fields that could not be read.
void ReportViolations(const Document& document, const Fields& unread, ParseOutcome& outcome) {
  for (const model::Violation& violation : document.resource.violations()) {
    if (IsAmong(violation.field, unread)) continue;
    AddDiagnostic(outcome.diagnostics,
                  {document.PositionOf(violation.field), violation.field, violation.message});
  }
}

// One text's documents to resources.
class ManifestReader {
 public:
  ManifestReader(const YamlTree& tree, const std::string& file, Reading& reading)
      : tree_(tree), file_(file), reading_(reading), outcome_(reading.outcome) {}

  void ReadDocument(std::uint32_t root) {
    const YamlNode& node = tree_[root];
    if (node.type == Type::kNull) return;  // Nothing between two `---`.
    const YamlNode* kind = Entry(node, "kind");
    if (kind != nullptr && kind->type == Type::kScalar && kind->text == "List") {
      ReadList(node);
    } else {
      ReadResource(root);
    }
  }

 private:
  void Report(const YamlNode& node, std::string field, std::string message) {
    AddDiagnostic(outcome_.diagnostics,
                  {{file_, node.line, node.column}, std::move(field), std::move(message)});
  }

  // nullptr when the node is no map or has no such entry.
  const YamlNode* Entry(const YamlNode& node, std::string_view name) const {
    if (node.type != Type::kMap) return nullptr;
    for (std::size_t i = 0; i + 1 < node.children.size(); i += 2) {
      if (tree_[node.children[i]].text == name) return &tree_[node.children[i + 1]];
    }
    return nullptr;
  }

  // The wrapper of `ctl get -o yaml` and of kubectl.
  void ReadList(const YamlNode& node) {
    for (std::size_t i = 0; i + 1 < node.children.size(); i += 2) {
      const YamlNode& key = tree_[node.children[i]];
      if (key.text == "apiVersion" || key.text == "kind" || key.text == "metadata" ||
          key.text == "items") {
        continue;
      }
      Report(
          key, "",
          fmt::format("unknown field {} of a List, known here: apiVersion, kind, metadata, items",
                      Quoted(key.text)));
    }
    const YamlNode* items = Entry(node, "items");
    if (items == nullptr || items->type != Type::kSequence) {
      return Report(items == nullptr ? node : *items, "items",
                    "`items` must be a list of resources");
    }
    for (std::uint32_t item : items->children) ReadResource(item);
  }

  const model::Kind* ReadHeader(const YamlNode& node) {
    if (node.type != Type::kMap) {
      Report(node, "", "a resource must be a map with `apiVersion`, `kind`, `metadata` and `spec`");
      return nullptr;
    }
    const YamlNode* version = Entry(node, "apiVersion");
    const YamlNode* name = Entry(node, "kind");
    const bool version_good = version != nullptr && version->text == model::kApiVersion;
    if (version == nullptr) {
      Report(node, "apiVersion", fmt::format("`apiVersion` is required: {}", model::kApiVersion));
    } else if (!version_good) {
      Report(*version, "apiVersion",
             fmt::format("`apiVersion` must be {}, got {}", model::kApiVersion,
                         Quoted(version->text)));
    }
    const std::vector<std::string_view> names = KindNames();
    if (name == nullptr) {
      Report(node, "kind", fmt::format("`kind` is required: one of {}", fmt::join(names, ", ")));
      return nullptr;
    }
    const model::Kind* kind = KindNamed(name->text);
    if (kind == nullptr) {
      const std::string_view meant = ClosestWord(name->text, names.data(), names.size());
      Report(*name, "kind",
             fmt::format("`kind` must be one of {}, got {}{}", fmt::join(names, ", "),
                         Quoted(name->text),
                         meant.empty() ? "" : fmt::format(", did you mean {}", meant)));
    }
    return version_good ? kind : nullptr;
  }

  void ReadResource(std::uint32_t root) {
    const YamlNode& node = tree_[root];
    const model::Kind* kind = ReadHeader(node);
    if (kind == nullptr) return;
    if (outcome_.documents.size() >= limits::kManifestDocuments) {
      return Report(
          node, "",
          fmt::format("the manifests must have at most {} resources", limits::kManifestDocuments));
    }
    std::unique_ptr<Message> message(kind->prototype().New());
    std::map<std::string, Position, std::less<>> fields;
    MessageReader reader(tree_, file_, fields, outcome_.diagnostics);
    reader.ReadMap(root, "", IsNotRead, *message);
    outcome_.documents.push_back({model::Resource::FromMessage(std::move(message)),
                                  {file_, node.line, node.column},
                                  std::move(fields)});
    if (reader.unread().empty()) return;
    reading_.broken.insert(outcome_.documents.size() - 1);
    ReportViolations(outcome_.documents.back(), reader.unread(), outcome_);
  }

  const YamlTree& tree_;
  const std::string& file_;
  Reading& reading_;
  ParseOutcome& outcome_;  // In reading_.
};

void AppendText(std::string_view text, const std::string& file, Reading& reading) {
  const YamlTree tree = ParseYaml(text);
  if (tree.problem) {
    return AddDiagnostic(reading.outcome.diagnostics,
                         {{file, tree.problem->line, tree.problem->column},
                          "",
                          "the manifest " + tree.problem->message});
  }
  ManifestReader reader(tree, file, reading);
  for (std::uint32_t root : tree.roots) reader.ReadDocument(root);
}

// How a person knows it.
std::string NameOf(const std::string& file) { return file == "-" ? "stdin" : file; }

void ReportEmpty(const std::string& file, std::vector<Diagnostic>& diagnostics) {
  AddDiagnostic(diagnostics,
                {{file, 1, 1}, "", "the manifest must have at least one resource, got none"});
}

void ReportTwins(ParseOutcome& outcome) {
  std::map<model::ResourceKey, const Position*> first_at;
  for (const Document& document : outcome.documents) {
    const model::ResourceKey& key = document.resource.key();
    if (key.name.empty()) continue;  // Refused by validation.
    const auto [first, fresh] = first_at.emplace(key, &document.start);
    if (fresh) continue;
    AddDiagnostic(outcome.diagnostics, {document.PositionOf("metadata.name"), "metadata.name",
                                        fmt::format("{} must be given once, it is at {} already",
                                                    key.Text(), first->second->Text())});
  }
}

// When some documents could not be read in full, tells what is wrong with the others and between
// them too, so that one round of corrections is enough.
void ReportViolationsBesides(Reading& reading) {
  if (reading.outcome.diagnostics.empty()) return;
  std::vector<Document> others;
  for (std::size_t i = 0; i < reading.outcome.documents.size(); ++i) {
    if (!reading.broken.contains(i)) others.push_back(reading.outcome.documents[i]);
  }
  for (Diagnostic& diagnostic : ValidateDocuments(others, false)) {
    AddDiagnostic(reading.outcome.diagnostics, std::move(diagnostic));
  }
  SortByPosition(reading.outcome.diagnostics);
}

}  // namespace

std::string Position::Text() const {
  return line == 0 ? file : fmt::format("{}:{}:{}", file, line, column);
}

std::string Diagnostic::Text() const { return fmt::format("{} ({})", message, position.Text()); }

Position Document::PositionOf(std::string_view field) const {
  while (true) {
    if (const auto found = fields.find(field); found != fields.end()) return found->second;
    const std::size_t end = field.find_last_of(field.ends_with(']') ? '[' : '.');
    if (end == field.npos) return start;
    field = field.substr(0, end);
  }
}

ParseOutcome ParseManifest(std::string_view text, const std::string& file) {
  Reading reading;
  ParseOutcome& outcome = reading.outcome;
  AppendText(text, file, reading);
  if (outcome.documents.empty() && outcome.diagnostics.empty())
    ReportEmpty(file, outcome.diagnostics);
  ReportTwins(outcome);
  ReportViolationsBesides(reading);
  return std::move(reading.outcome);
}

ParseOutcome ReadManifests(const std::vector<std::string>& paths) {
  Reading reading;
  ParseOutcome& outcome = reading.outcome;
  std::size_t bytes_left = limits::kManifestTotalBytes;
  for (const std::string& path : paths) {
    const auto files = ManifestFilesAt(path);
    if (!files) {
      AddDiagnostic(outcome.diagnostics, {{path}, "", files.error().message});
      continue;
    }
    const std::size_t documents_before = outcome.documents.size();
    const std::size_t diagnostics_before = outcome.diagnostics.size();
    for (const std::string& file : *files) {
      const auto text = ReadManifestFile(file, bytes_left);
      if (!text) {
        AddDiagnostic(outcome.diagnostics, {{NameOf(file)}, "", text.error().message});
        continue;
      }
      bytes_left -= text->size();
      AppendText(*text, NameOf(file), reading);
    }
    // In a folder, a file whose content is commented out does no harm as long as others have some.
    if (outcome.documents.size() == documents_before &&
        outcome.diagnostics.size() == diagnostics_before) {
      ReportEmpty(NameOf(path), outcome.diagnostics);
    }
  }
  ReportTwins(outcome);
  ReportViolationsBesides(reading);
  return std::move(reading.outcome);
}

}  // namespace sluice::manifest
