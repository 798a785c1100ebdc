#include "controlplane/snapshot/visibility_group.h"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "common/base/limits.h"

namespace sluice::controlplane {
namespace {

std::uint64_t NextId() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

// What one name of a table becomes; no item: it goes.
struct TableEdit {
  std::string name;
  std::shared_ptr<const SnapshotItem> item;
};

// Merges edits (in name order) into a table. Adds what differs to `next_snapshot.changed`, what
// goes to `removed`, and keeps the sum of the digest.
std::shared_ptr<const SnapshotTable> Edited(const std::shared_ptr<const SnapshotTable>& table,
                                            const std::vector<TableEdit>& edits, TypeIndex type,
                                            Snapshot& next_snapshot,
                                            std::vector<SnapshotName>& removed) {
  std::vector<SnapshotEntry> entries;
  entries.reserve(table->entries().size() + edits.size());
  bool differs = false;
  auto next = table->entries().begin();
  const auto end = table->entries().end();
  for (const TableEdit& edit : edits) {
    const auto at = std::lower_bound(next, end, edit.name,
                                     [](const SnapshotEntry& entry, const std::string& name) {
                                       return entry.item->name < name;
                                     });
    entries.insert(entries.end(), next, at);
    next = at;
    const bool there = at != end && at->item->name == edit.name;
    if (there) ++next;
    if (there && edit.item != nullptr && at->item->version == edit.item->version) {
      // A new form that streams alike (an annotation): the item is newer, its version is not.
      differs = differs || at->item != edit.item;
      entries.push_back({edit.item, at->since});
      continue;
    }
    if (there) next_snapshot.digest_sum.TakeOut(at->item->digest_element);
    if (edit.item != nullptr) {
      next_snapshot.digest_sum.Add(edit.item->digest_element);
      entries.push_back({edit.item, next_snapshot.generation});
    }
    if (edit.item != nullptr || there) next_snapshot.changed.push_back({type, edit.name});
    if (edit.item == nullptr && there) removed.push_back({type, edit.name});
    differs = differs || edit.item != nullptr || there;
  }
  if (!differs) return table;
  entries.insert(entries.end(), next, end);
  return std::make_shared<const SnapshotTable>(std::move(entries));
}

void Remember(std::int64_t generation, std::vector<SnapshotName> removed,
              std::vector<SnapshotRemovals>& removals) {
  if (removed.empty()) return;
  removals.push_back(
      {generation, std::make_shared<const std::vector<SnapshotName>>(std::move(removed)), nullptr});
  if (removals.size() > limits::kRemovalsRemembered) removals.erase(removals.begin());
}

std::vector<SnapshotRemovals> SeenBy(std::vector<SnapshotRemovals> removals,
                                     const std::set<Labels>& members) {
  const auto seen_by = std::make_shared<const std::set<Labels>>(members);
  for (SnapshotRemovals& batch : removals) {
    if (batch.seen_by == nullptr) batch.seen_by = seen_by;
  }
  return removals;
}

// A group made out of another one keeps what its members saw in it: since when, and what they lost.
void InheritFrom(const Snapshot& predecessor, Snapshot& snapshot) {
  snapshot.removals = predecessor.removals;
  std::vector<SnapshotName> removed;
  for (TypeIndex type = 0; type < GenerationTypeIndex(); ++type) {
    std::vector<SnapshotEntry> entries = snapshot.tables[type]->entries();
    for (SnapshotEntry& entry : entries) {
      const SnapshotEntry* before = predecessor.Find(type, entry.item->name);
      if (before != nullptr && before->item->version == entry.item->version) {
        entry.since = before->since;
      }
    }
    snapshot.tables[type] = std::make_shared<const SnapshotTable>(std::move(entries));
    for (const SnapshotEntry& before : predecessor.tables[type]->entries()) {
      if (snapshot.Find(type, before.item->name) == nullptr) {
        removed.push_back({type, before.item->name});
      }
    }
  }
  Remember(snapshot.generation, std::move(removed), snapshot.removals);
}

}  // namespace

VisibilityGroup::VisibilityGroup(Labels labels, const ObjectTable& objects)
    : id_(NextId()), labels_(std::move(labels)), objects_(objects) {
  objects_.ForEachSelected([&](const model::ResourceKey& key, const SnapshotObject& object) {
    Update(key, nullptr, &object);
  });
}

bool VisibilityGroup::Sees(const model::ResourceKey& key, const SnapshotObject& object) const {
  switch (object.rule) {
    case VisibilityRule::kBySelector:
      return Picks(object.selector, labels_);
    case VisibilityRule::kByReference:
      return references_.contains(key);
    case VisibilityRule::kAttached:
      return std::any_of(
          object.references.begin(), object.references.end(),
          [&](const model::ResourceKey& target) { return references_.contains(target); });
  }
  return false;
}

void VisibilityGroup::Update(const model::ResourceKey& key, const SnapshotObject* before,
                             const SnapshotObject* after) {
  const bool saw = before != nullptr && Sees(key, *before);
  const bool sees = after != nullptr && Sees(key, *after);
  // What attaches itself keeps nothing visible. Retaining first spares what stays a way out and in.
  if (sees && after->rule != VisibilityRule::kAttached) {
    for (const model::ResourceKey& target : after->references) Retain(target);
  }
  if (saw && before->rule != VisibilityRule::kAttached) {
    for (const model::ResourceKey& target : before->references) Release(target);
  }
  if (saw || sees) touched_.insert(key);
}

void VisibilityGroup::Retain(const model::ResourceKey& key) {
  if (++references_[key] > 1) return;
  TouchWithAttached(key);
  const SnapshotObject* object = objects_.Find(key);
  if (object == nullptr || object->rule != VisibilityRule::kByReference) return;
  for (const model::ResourceKey& target : object->references) Retain(target);
}

void VisibilityGroup::Release(const model::ResourceKey& key) {
  const auto found = references_.find(key);
  if (--found->second > 0) return;
  references_.erase(found);
  TouchWithAttached(key);
  const SnapshotObject* object = objects_.Find(key);
  if (object == nullptr || object->rule != VisibilityRule::kByReference) return;
  for (const model::ResourceKey& target : object->references) Release(target);
}

void VisibilityGroup::TouchWithAttached(const model::ResourceKey& key) {
  touched_.insert(key);
  const auto& attached = objects_.AttachedTo(key);
  touched_.insert(attached.begin(), attached.end());
}

void VisibilityGroup::Absorb(const std::set<Labels>& members, const VisibilityGroup& other,
                             const std::set<Labels>& other_members) {
  auto joined = std::make_shared<Snapshot>(*snapshot_);
  joined->removals.clear();
  const auto mine = SeenBy(snapshot_->removals, members);
  const auto theirs = SeenBy(other.snapshot_->removals, other_members);
  std::merge(mine.begin(), mine.end(), theirs.begin(), theirs.end(),
             std::back_inserter(joined->removals),
             [](const auto& a, const auto& b) { return a.generation < b.generation; });
  if (joined->removals.size() > limits::kRemovalsRemembered) {
    joined->removals.erase(joined->removals.begin(),
                           joined->removals.end() - limits::kRemovalsRemembered);
  }
  snapshot_ = std::move(joined);
}

void VisibilityGroup::Publish(std::int64_t generation, const Snapshot* predecessor) {
  auto next = std::make_shared<Snapshot>();
  next->generation = generation;
  next->id = NextId();
  next->group = id_;
  const TypeIndex kinds = GenerationTypeIndex();
  if (snapshot_ != nullptr) {
    next->parent_id = snapshot_->id;
    next->tables.assign(snapshot_->tables.begin(),
                        std::next(snapshot_->tables.begin(), static_cast<std::ptrdiff_t>(kinds)));
    next->removals = snapshot_->removals;
    next->digest_sum = snapshot_->digest_sum;
  } else {
    next->tables.assign(kinds, std::make_shared<const SnapshotTable>());
  }

  std::vector<std::vector<TableEdit>> edits(kinds);
  for (const model::ResourceKey& key : touched_) {
    const auto type = StreamedTypeOf(*key.kind);
    if (!type) continue;
    const SnapshotObject* object = objects_.Find(key);
    const bool sees = object != nullptr && Sees(key, *object);
    edits[*type].push_back({key.DiscoveryName(), sees ? object->item : nullptr});
  }
  touched_.clear();
  std::vector<SnapshotName> removed;
  for (TypeIndex type = 0; type < kinds; ++type) {
    if (edits[type].empty()) continue;
    // Keys are in the order of namespace and name, tables in that of `namespace/name`.
    std::sort(edits[type].begin(), edits[type].end(),
              [](const TableEdit& a, const TableEdit& b) { return a.name < b.name; });
    next->tables[type] = Edited(next->tables[type], edits[type], type, *next, removed);
  }
  Remember(generation, std::move(removed), next->removals);
  if (predecessor != nullptr) InheritFrom(*predecessor, *next);

  next->digest = next->digest_sum.Hex();
  next->tables.push_back(DescribeGeneration(generation, next->tables, next->digest));
  snapshot_ = std::move(next);
}

}  // namespace sluice::controlplane
