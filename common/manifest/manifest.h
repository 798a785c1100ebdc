// Manifests: YAML (or JSON, which is YAML) text to resources, remembering where each field stood,
// and back. Driven by the protos' descriptors, so that a new kind or field needs nothing here.
// Refuses, with a position: unknown fields and kinds (with a suggestion), duplicate keys, wrong
// types, numbers out of range, text that is not UTF-8, and anything beyond the bounds of limits.h.
// No I/O but for ReadManifestFiles; thread-safe.
#pragma once

#include <google/protobuf/message.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/model/resource.h"

namespace sluice::manifest {

struct Position {
  std::string file;
  int line = 0;    // From 1.
  int column = 0;  // From 1.

  std::string Text() const;  // `upstreams.yaml:12:9`
};

// One `---` document (or one item of a `kind: List`).
struct Document {
  model::Resource resource;
  Position start;
  std::map<std::string, Position, std::less<>> fields;  // By field path as in model::Violation.

  // Of the field, or of the nearest one around it that was written.
  Position PositionOf(std::string_view field) const;
};

struct Diagnostic {
  Position position;
  std::string field;    // May be empty.
  std::string message;  // Without the position.

  std::string Text() const;  // `message (file:line:column)`
};

struct ParseOutcome {
  std::vector<Document> documents;
  std::vector<Diagnostic> diagnostics;  // Not empty: documents must not be used.
};

// `file` is used in positions only. Text with no document at all is a diagnostic.
ParseOutcome ParseManifest(std::string_view text, const std::string& file);

// Reads and parses a file, `-` (standard input), or every *.yaml, *.yml and *.json of a directory
// (not below it) in name order. Two documents that name one object are a diagnostic.
ParseOutcome ReadManifests(const std::vector<std::string>& paths);

// Each document validated alone and all of them against each other, with positions. References to
// objects that are not among `documents` are reported only with `self_contained`.
std::vector<Diagnostic> ValidateDocuments(const std::vector<Document>& documents,
                                          bool self_contained);

// The text forms, as ParseManifest reads them: apiVersion, kind, metadata, spec, status.
std::string ToYaml(const google::protobuf::Message& resource);
// One line unless `pretty`.
std::string ToJson(const google::protobuf::Message& resource, bool pretty);

}  // namespace sluice::manifest
