// Every object in the form that is served, with what visibility needs to know of it: how it becomes
// visible, what it refers to, and what attaches itself to it. Not thread-safe: one owner.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/model/resource.h"
#include "controlplane/snapshot/snapshot.h"

namespace sluice::controlplane {

// What makes an object of a kind visible to a node.
enum class VisibilityRule {
  kBySelector,   // Its nodeSelector picks the node's labels (Listener).
  kByReference,  // Something visible refers to it (Upstream, AccessPolicy).
  kAttached,     // It refers to something visible (EndpointSlice).
};

struct SnapshotObject {
  std::shared_ptr<const SnapshotItem> item;
  TypeIndex type;
  VisibilityRule rule;
  Labels selector;  // kBySelector only.
  std::vector<model::ResourceKey> references;
};

// `resource` must be valid and of a streamed kind.
SnapshotObject MakeSnapshotObject(const model::Resource& resource);

class ObjectTable {
 public:
  const SnapshotObject* Find(const model::ResourceKey& key) const;
  // Returns the object before. nullopt removes.
  std::optional<SnapshotObject> Replace(const model::ResourceKey& key,
                                        std::optional<SnapshotObject> object);

  // Attached objects that refer to `target`, whether it exists or not.
  const std::set<model::ResourceKey>& AttachedTo(const model::ResourceKey& target) const;
  void ForEachSelected(
      const std::function<void(const model::ResourceKey&, const SnapshotObject&)>& visit) const;

  // The distinct selectors of all objects that have one.
  bool HasSelector(const Labels& selector) const { return selectors_.contains(selector); }
  // Which of them pick the labels: equal for label sets that see the same.
  std::vector<bool> Signature(const Labels& labels) const;

 private:
  void Index(const model::ResourceKey& key, const SnapshotObject& object);
  void Unindex(const model::ResourceKey& key, const SnapshotObject& object);

  std::map<model::ResourceKey, SnapshotObject> objects_;
  std::map<model::ResourceKey, std::set<model::ResourceKey>> attached_;  // By target.
  std::set<model::ResourceKey> selected_;                                // kBySelector.
  std::map<Labels, std::size_t> selectors_;                              // With how many use it.
};

// Does the selector pick the labels?
bool Picks(const Labels& selector, const Labels& labels);

}  // namespace sluice::controlplane
