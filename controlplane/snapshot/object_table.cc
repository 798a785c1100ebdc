#include "controlplane/snapshot/object_table.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "sluice/v1/endpoint_slice.pb.h"
#include "sluice/v1/listener.pb.h"

namespace sluice::controlplane {
namespace {

VisibilityRule RuleOf(const model::Resource& resource) {
  const auto* type = resource.message().GetDescriptor();
  if (type == v1::Listener::descriptor()) return VisibilityRule::kBySelector;
  if (type == v1::EndpointSlice::descriptor()) return VisibilityRule::kAttached;
  return VisibilityRule::kByReference;
}

}  // namespace

SnapshotObject MakeSnapshotObject(const model::Resource& resource) {
  const auto type = StreamedTypeOf(resource.kind());
  SLUICE_CHECK(type.has_value());
  SnapshotObject object{MakeItem(resource), *type, RuleOf(resource), {}, {}};
  if (object.rule == VisibilityRule::kBySelector) {
    const auto& selector = resource.As<v1::Listener>().spec().node_selector();
    object.selector.insert(selector.begin(), selector.end());
  }
  for (model::Reference& reference : resource.kind().references(resource.message())) {
    object.references.push_back({reference.kind, resource.key().ns, std::move(reference.name)});
  }
  return object;
}

bool Picks(const Labels& selector, const Labels& labels) {
  return std::all_of(selector.begin(), selector.end(), [&](const auto& wanted) {
    const auto found = labels.find(wanted.first);
    return found != labels.end() && found->second == wanted.second;
  });
}

const SnapshotObject* ObjectTable::Find(const model::ResourceKey& key) const {
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : &found->second;
}

std::optional<SnapshotObject> ObjectTable::Replace(const model::ResourceKey& key,
                                                   std::optional<SnapshotObject> object) {
  std::optional<SnapshotObject> before;
  const auto found = objects_.find(key);
  if (found != objects_.end()) {
    Unindex(key, found->second);
    before = std::move(found->second);
    objects_.erase(found);
  }
  if (object) {
    Index(key, *object);
    objects_.emplace(key, std::move(*object));
  }
  return before;
}

void ObjectTable::Index(const model::ResourceKey& key, const SnapshotObject& object) {
  if (object.rule == VisibilityRule::kAttached) {
    for (const model::ResourceKey& target : object.references) attached_[target].insert(key);
  }
  if (object.rule == VisibilityRule::kBySelector) {
    selected_.insert(key);
    ++selectors_[object.selector];
  }
}

void ObjectTable::Unindex(const model::ResourceKey& key, const SnapshotObject& object) {
  if (object.rule == VisibilityRule::kAttached) {
    for (const model::ResourceKey& target : object.references) {
      const auto found = attached_.find(target);
      if (found == attached_.end()) continue;
      found->second.erase(key);
      if (found->second.empty()) attached_.erase(found);
    }
  }
  if (object.rule == VisibilityRule::kBySelector) {
    selected_.erase(key);
    const auto found = selectors_.find(object.selector);
    if (--found->second == 0) selectors_.erase(found);
  }
}

const std::set<model::ResourceKey>& ObjectTable::AttachedTo(
    const model::ResourceKey& target) const {
  static const std::set<model::ResourceKey> kNone;
  const auto found = attached_.find(target);
  return found == attached_.end() ? kNone : found->second;
}

void ObjectTable::ForEachSelected(
    const std::function<void(const model::ResourceKey&, const SnapshotObject&)>& visit) const {
  for (const model::ResourceKey& key : selected_) visit(key, objects_.at(key));
}

std::vector<bool> ObjectTable::Signature(const Labels& labels) const {
  std::vector<bool> signature;
  signature.reserve(selectors_.size());
  for (const auto& [selector, uses] : selectors_) signature.push_back(Picks(selector, labels));
  return signature;
}

}  // namespace sluice::controlplane
