// From stored objects to snapshots: who sees what. The pure heart of the control plane's snapshots:
// takes in generations, answers the snapshot of a label set. Objects that are invalid for this
// version of the program are left out, in favour of their newest earlier valid form when there is
// one; everything else flows. Not thread-safe: SnapshotFeed owns one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "common/model/resource.h"
#include "controlplane/snapshot/object_table.h"
#include "controlplane/snapshot/snapshot.h"
#include "controlplane/snapshot/visibility_group.h"

namespace sluice::controlplane {

// A stored object that is not served as it is stored.
struct LeftOutObject {
  model::Violations violations;
  bool earlier_form_served = false;
};

using LeftOutObjects = std::map<model::ResourceKey, LeftOutObject>;

// The snapshots of one generation. A value.
struct SnapshotStep {
  std::int64_t generation = 0;
  // Counts the steps that moved label sets from one group to another.
  std::uint64_t regroupings = 0;
  std::map<std::uint64_t, std::shared_ptr<const Snapshot>> by_group;
  std::shared_ptr<const LeftOutObjects> left_out;
};

class VisibilityIndex {
 public:
  // Earlier forms of an object, newest first; asked while constructing only.
  using EarlierForms = std::function<std::vector<model::Resource>(const model::ResourceKey&)>;

  VisibilityIndex(std::int64_t generation, const model::ResourceSet& resources,
                  const EarlierForms& earlier_forms);

  // Takes in the changes of one or more generations, each object once, and makes the snapshots.
  void Apply(std::int64_t generation, const std::vector<model::Change>& changes);

  std::int64_t generation() const { return generation_; }

  // A label set is kept as long as it is held. Hold and Drop are counted.
  void Hold(const Labels& labels);
  void Drop(const Labels& labels);
  // Of a held label set. Never null.
  std::shared_ptr<const Snapshot> SnapshotOf(const Labels& labels) const;

  std::optional<LeftOutObject> LeftOut(const model::ResourceKey& key) const;

  // What there is now, for who reads without the owner.
  SnapshotStep Step() const;
  // For tests and metrics.
  std::size_t groups() const { return groups_.size(); }

 private:
  struct Member {
    std::size_t holds = 0;
    VisibilityGroup* group = nullptr;
  };
  struct Edit {
    model::ResourceKey key;
    std::optional<SnapshotObject> object;
  };

  // The form to serve after a change; nullopt when the one that is served stays.
  std::optional<Edit> EditFor(const model::Change& change);
  void Load(const model::Resource& resource, const EarlierForms& earlier_forms);
  VisibilityGroup* FindGroup(const Labels& labels);
  VisibilityGroup* MakeGroup(const Labels& labels, const Snapshot* predecessor);
  // Members that a selector new in `edits` separates from their group; they are left without one.
  std::map<Labels, std::shared_ptr<const Snapshot>> Separate(const std::vector<Edit>& edits);
  void MergeAgreeing();
  void DropEmptyGroups();

  std::int64_t generation_;
  ObjectTable objects_;
  std::map<Labels, Member> members_;
  std::vector<std::unique_ptr<VisibilityGroup>> groups_;
  LeftOutObjects& EditLeftOut();

  std::uint64_t regroupings_ = 0;
  // Replaced, not changed, once it has been given out.
  std::shared_ptr<LeftOutObjects> left_out_ = std::make_shared<LeftOutObjects>();
};

}  // namespace sluice::controlplane
