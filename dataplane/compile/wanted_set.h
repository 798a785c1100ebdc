// The resources that a source wants in force, and who refers to whom among them, existing or not.
// Knows no kind by name. Control thread only.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "dataplane/compile/resource_update.h"

namespace sluice::dataplane {

// What a resource refers to, as keys.
std::vector<model::ResourceKey> TargetsOf(const model::Resource& resource);

// Target → those that refer to it.
class ReferenceIndex {
 public:
  void Add(const model::ResourceKey& user, const std::vector<model::ResourceKey>& targets);
  void Remove(const model::ResourceKey& user, const std::vector<model::ResourceKey>& targets);
  // In key order.
  const std::set<model::ResourceKey>& UsersOf(const model::ResourceKey& target) const;

 private:
  std::map<model::ResourceKey, std::set<model::ResourceKey>> users_;
};

class WantedSet {
 public:
  // nullptr: not wanted.
  const VersionedResource* Find(const model::ResourceKey& key) const;
  // Wanted or not, `target` may be named by these.
  const std::set<model::ResourceKey>& UsersOf(const model::ResourceKey& target) const {
    return index_.UsersOf(target);
  }
  void Apply(const ResourceUpdate& update);

 private:
  std::map<model::ResourceKey, VersionedResource> held_;
  ReferenceIndex index_;
};

}  // namespace sluice::dataplane
