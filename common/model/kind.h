// The table of resource kinds: the one place that lists what kinds there are. Everything that
// stores, streams, prints or completes resources is driven by it and knows no kind by name.
// Immutable after start; thread-safe.
#pragma once

#include <google/protobuf/message.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::model {

// What is wrong with one field of one resource.
struct Violation {
  std::string field;    // As in YAML: `spec.endpoints[2].address`.
  std::string message;  // Whole sentence that names the field in back-quotes and the value in
                        // single quotes.

  friend bool operator==(const Violation&, const Violation&) = default;
};
using Violations = std::vector<Violation>;

struct Kind;

// A resource names another one of the same namespace.
struct Reference {
  const Kind* kind;
  std::string name;
  std::string field;  // Where it does.
};

// A text with $variables in a resource.
enum class TemplateUse : std::uint8_t;
struct TemplateField {
  std::string_view text;  // In the message.
  std::string field;      // Where it stands.
  TemplateUse use;
};

struct Kind {
  std::string_view name;                          // `Listener`
  std::string_view plural;                        // `listeners`
  std::span<const std::string_view> short_names;  // `lis`
  std::string_view type_url;                      // `type.googleapis.com/sluice.v1.Listener`
  bool read_only;                                 // Made by the control plane, never applied.
  // Dependencies first: what a kind refers to has a lower rank. Discovery sends in this order.
  int rank;
  const google::protobuf::Message& (*prototype)();
  // Appends everything that is wrong with the object on its own; metadata is checked elsewhere.
  void (*validate)(const google::protobuf::Message&, Violations&);
  // In field order; only called for valid objects.
  std::vector<Reference> (*references)(const google::protobuf::Message&);
  // The texts that have to be addresses, in field order, as Resource::addresses() gives them;
  // nullptr: none.
  std::vector<std::string_view> (*addresses)(const google::protobuf::Message&) = nullptr;
  // Texts with $variables, whose names are checked with the relations; nullptr: none.
  std::vector<TemplateField> (*templates)(const google::protobuf::Message&) = nullptr;
};

// In rank order.
std::span<const Kind> Kinds();
// By name, plural or short name, without regard to case; nullptr when there is none.
const Kind* FindKind(std::string_view name);
const Kind* FindKindByTypeUrl(std::string_view type_url);

// Not a kind: the discovery type that closes a generation (proto/sluice/v1/generation.proto).
inline constexpr std::string_view kGenerationTypeUrl = "type.googleapis.com/sluice.v1.Generation";
inline constexpr std::string_view kGenerationName = "generation";
inline constexpr std::string_view kDefaultNamespace = "default";
inline constexpr std::string_view kApiVersion = "sluice.dev/v1";

}  // namespace sluice::model
