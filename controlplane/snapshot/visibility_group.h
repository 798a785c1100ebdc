// A visibility group: all label sets that the same selectors pick, and the snapshot they share.
// Kept up to date by counting references, so that a change costs what it touches and not what there
// is. Not thread-safe: one owner.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>

#include "controlplane/snapshot/object_table.h"
#include "controlplane/snapshot/snapshot.h"

namespace sluice::controlplane {

class VisibilityGroup {
 public:
  // Sees everything that `objects` has for these labels, as soon as it is published.
  // `objects` must outlive the group.
  VisibilityGroup(Labels labels, const ObjectTable& objects);

  // Takes in one change that `objects` has already taken in.
  void Update(const model::ResourceKey& key, const SnapshotObject* before,
              const SnapshotObject* after);

  // Makes the snapshot of everything taken in. `predecessor` is the snapshot that the group's
  // members had before it was made, or nullptr: what they lose is remembered in the new one.
  void Publish(std::int64_t generation, const Snapshot* predecessor = nullptr);

  // The members of another group, which sees the same now, join this one: what they lost is
  // remembered here. Between Publish and the first use of the snapshot.
  void Absorb(const std::set<Labels>& members, const VisibilityGroup& other,
              const std::set<Labels>& other_members);

  // Of any member: the selectors pick all members alike.
  const Labels& labels() const { return labels_; }
  const std::shared_ptr<const Snapshot>& snapshot() const { return snapshot_; }

 private:
  bool Sees(const model::ResourceKey& key, const SnapshotObject& object) const;
  void Retain(const model::ResourceKey& key);
  void Release(const model::ResourceKey& key);
  void TouchWithAttached(const model::ResourceKey& key);

  const std::uint64_t id_;
  Labels labels_;
  const ObjectTable& objects_;
  std::map<model::ResourceKey, std::uint32_t> references_;  // From visible objects, by target.
  std::set<model::ResourceKey> touched_;                    // Since the last Publish.
  std::shared_ptr<const Snapshot> snapshot_;
};

}  // namespace sluice::controlplane
