// One object as a source of configuration (discovery stream, saved state, static file) hands it to
// the compiler. Immutable value.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/model/resource.h"

namespace sluice::dataplane {

// A resource with the version that its source gave it: on a discovery stream the server's, which
// need not be our content hash.
struct VersionedResource {
  std::shared_ptr<const model::Resource> resource;
  std::string version;

  friend bool operator==(const VersionedResource&, const VersionedResource&) = default;
};

// The object is now `held`; a null resource means that it is gone. Valid on its own
// (model::Validate), its references unchecked.
struct ResourceUpdate {
  model::ResourceKey key;
  VersionedResource held;
};
using ResourceUpdates = std::vector<ResourceUpdate>;

}  // namespace sluice::dataplane
