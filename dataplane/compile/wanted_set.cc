#include "dataplane/compile/wanted_set.h"

#include <utility>

namespace sluice::dataplane {

std::vector<model::ResourceKey> TargetsOf(const model::Resource& resource) {
  std::vector<model::ResourceKey> targets;
  for (model::Reference& reference : resource.kind().references(resource.message())) {
    targets.push_back({reference.kind, resource.key().ns, std::move(reference.name)});
  }
  return targets;
}

void ReferenceIndex::Add(const model::ResourceKey& user,
                         const std::vector<model::ResourceKey>& targets) {
  for (const model::ResourceKey& target : targets) users_[target].insert(user);
}

void ReferenceIndex::Remove(const model::ResourceKey& user,
                            const std::vector<model::ResourceKey>& targets) {
  for (const model::ResourceKey& target : targets) {
    const auto found = users_.find(target);
    if (found == users_.end()) continue;
    found->second.erase(user);
    if (found->second.empty()) users_.erase(found);
  }
}

const std::set<model::ResourceKey>& ReferenceIndex::UsersOf(
    const model::ResourceKey& target) const {
  static const std::set<model::ResourceKey> kNobody;
  const auto found = users_.find(target);
  return found == users_.end() ? kNobody : found->second;
}

const VersionedResource* WantedSet::Find(const model::ResourceKey& key) const {
  const auto found = held_.find(key);
  return found == held_.end() ? nullptr : &found->second;
}

void WantedSet::Apply(const ResourceUpdate& update) {
  if (const VersionedResource* before = Find(update.key)) {
    index_.Remove(update.key, TargetsOf(*before->resource));
  }
  if (update.held.resource == nullptr) {
    held_.erase(update.key);
    return;
  }
  index_.Add(update.key, TargetsOf(*update.held.resource));
  held_[update.key] = update.held;
}

}  // namespace sluice::dataplane
