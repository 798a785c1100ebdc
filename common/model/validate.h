// What a configuration may say. The same functions answer ctl (offline), the API and the data
// plane, so that all three refuse the same things with the same words. Pure; thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/model/kind.h"
#include "common/model/resource.h"

namespace sluice::model {

// Everything wrong with one resource looked at alone, metadata included. Empty: valid. Looks anew
// at each call: Resource::violations() keeps the answer.
Violations Validate(const Resource& resource);

struct ObjectViolation {
  ResourceKey object;
  Violation violation;
  // When it is about a reference: what is named but not there.
  std::optional<ResourceKey> missing = std::nullopt;
};

// Everything wrong between resources: missing references, two listeners on one address that one
// node could be given, an endpoint twice in an upstream, more endpoints than allowed, a unix
// endpoint behind a UDP listener, a $variable that does not exist. Looks at `changed` and at what
// refers to or is referred to by it, so the cost follows the change and not the set. Every resource
// in `set` must be valid on its own.
std::vector<ObjectViolation> ValidateRelations(const ResourceSet& set,
                                               const std::vector<ResourceKey>& changed);

// Does a listener's node_selector pick a node with these labels?
bool Selects(const google::protobuf::Map<std::string, std::string>& selector,
             const std::map<std::string, std::string>& labels);

}  // namespace sluice::model
