#include "controlplane/snapshot/visibility_index.h"

#include <algorithm>
#include <set>
#include <utility>

#include "common/base/check.h"
#include "common/model/validate.h"

namespace sluice::controlplane {

VisibilityIndex::VisibilityIndex(std::int64_t generation, const model::ResourceSet& resources,
                                 const EarlierForms& earlier_forms)
    : generation_(generation) {
  resources.ForEach([&](const model::Resource& resource) { Load(resource, earlier_forms); });
}

void VisibilityIndex::Load(const model::Resource& resource, const EarlierForms& earlier_forms) {
  if (!StreamedTypeOf(resource.kind())) return;
  if (resource.violations().empty()) {
    objects_.Replace(resource.key(), MakeSnapshotObject(resource));
    return;
  }
  LeftOutObject& left_out = EditLeftOut()[resource.key()];
  left_out.violations = resource.violations();
  for (const model::Resource& earlier : earlier_forms(resource.key())) {
    if (!earlier.violations().empty()) continue;
    objects_.Replace(resource.key(), MakeSnapshotObject(earlier));
    left_out.earlier_form_served = true;
    return;
  }
}

std::optional<VisibilityIndex::Edit> VisibilityIndex::EditFor(const model::Change& change) {
  if (left_out_->contains(change.key)) EditLeftOut().erase(change.key);
  if (change.after == nullptr) return Edit{change.key, std::nullopt};
  const model::Violations& violations = change.after->violations();
  if (violations.empty()) return Edit{change.key, MakeSnapshotObject(*change.after)};
  // What is served now is the newest valid form before this one.
  EditLeftOut()[change.key] = {violations, objects_.Find(change.key) != nullptr};
  return std::nullopt;
}

LeftOutObjects& VisibilityIndex::EditLeftOut() {
  if (left_out_.use_count() > 1) left_out_ = std::make_shared<LeftOutObjects>(*left_out_);
  return *left_out_;
}

SnapshotStep VisibilityIndex::Step() const {
  SnapshotStep step{generation_, regroupings_, {}, left_out_};
  for (const auto& group : groups_)
    step.by_group.emplace(group->snapshot()->group, group->snapshot());
  return step;
}

void VisibilityIndex::Apply(std::int64_t generation, const std::vector<model::Change>& changes) {
  generation_ = generation;
  std::vector<Edit> edits;
  for (const model::Change& change : changes) {
    if (!StreamedTypeOf(*change.key.kind)) continue;
    if (auto edit = EditFor(change)) edits.push_back(std::move(*edit));
  }
  const auto separated = Separate(edits);

  bool selector_gone = false;
  for (Edit& edit : edits) {
    const auto before = objects_.Replace(edit.key, std::move(edit.object));
    const SnapshotObject* after = objects_.Find(edit.key);
    for (const auto& group : groups_) group->Update(edit.key, before ? &*before : nullptr, after);
    selector_gone = selector_gone || (before && before->rule == VisibilityRule::kBySelector &&
                                      !objects_.HasSelector(before->selector));
  }
  DropEmptyGroups();
  for (const auto& group : groups_) group->Publish(generation_);
  for (const auto& [labels, predecessor] : separated) {
    VisibilityGroup* group = FindGroup(labels);
    members_.at(labels).group = group != nullptr ? group : MakeGroup(labels, predecessor.get());
  }
  if (selector_gone) MergeAgreeing();
  if (selector_gone || !separated.empty()) ++regroupings_;
}

std::map<Labels, std::shared_ptr<const Snapshot>> VisibilityIndex::Separate(
    const std::vector<Edit>& edits) {
  std::set<Labels> appearing;
  for (const Edit& edit : edits) {
    if (edit.object && edit.object->rule == VisibilityRule::kBySelector &&
        !objects_.HasSelector(edit.object->selector)) {
      appearing.insert(edit.object->selector);
    }
  }
  std::map<Labels, std::shared_ptr<const Snapshot>> separated;
  for (auto& [own_labels, member] : members_) {
    const Labels& labels = own_labels;
    const Labels& representative = member.group->labels();
    const bool agrees = std::all_of(appearing.begin(), appearing.end(), [&](const auto& selector) {
      return Picks(selector, labels) == Picks(selector, representative);
    });
    if (agrees) continue;
    separated.emplace(labels, member.group->snapshot());
    member.group = nullptr;
  }
  return separated;
}

VisibilityGroup* VisibilityIndex::FindGroup(const Labels& labels) {
  const std::vector<bool> signature = objects_.Signature(labels);
  const auto found = std::find_if(groups_.begin(), groups_.end(), [&](const auto& group) {
    return objects_.Signature(group->labels()) == signature;
  });
  return found == groups_.end() ? nullptr : found->get();
}

VisibilityGroup* VisibilityIndex::MakeGroup(const Labels& labels, const Snapshot* predecessor) {
  groups_.push_back(std::make_unique<VisibilityGroup>(labels, objects_));
  groups_.back()->Publish(generation_, predecessor);
  return groups_.back().get();
}

void VisibilityIndex::MergeAgreeing() {
  std::map<const VisibilityGroup*, std::set<Labels>> labels_of;
  for (const auto& [labels, member] : members_) labels_of[member.group].insert(labels);
  std::map<std::vector<bool>, VisibilityGroup*> by_signature;
  for (const auto& group : groups_) {
    const auto [kept, added] =
        by_signature.emplace(objects_.Signature(group->labels()), group.get());
    if (added) continue;
    std::set<Labels>& joined = labels_of[kept->second];
    std::set<Labels>& moving = labels_of[group.get()];
    kept->second->Absorb(joined, *group, moving);
    for (const Labels& labels : moving) members_.at(labels).group = kept->second;
    joined.merge(moving);
  }
  DropEmptyGroups();
}

void VisibilityIndex::DropEmptyGroups() {
  std::set<const VisibilityGroup*> kept;
  for (const auto& [labels, member] : members_) kept.insert(member.group);
  std::erase_if(groups_, [&](const auto& group) { return !kept.contains(group.get()); });
}

void VisibilityIndex::Hold(const Labels& labels) {
  Member& member = members_[labels];
  if (++member.holds > 1) return;
  member.group = FindGroup(labels);
  if (member.group == nullptr) member.group = MakeGroup(labels, nullptr);
}

void VisibilityIndex::Drop(const Labels& labels) {
  const auto found = members_.find(labels);
  SLUICE_CHECK(found != members_.end());
  if (--found->second.holds > 0) return;
  members_.erase(found);
  DropEmptyGroups();
}

std::shared_ptr<const Snapshot> VisibilityIndex::SnapshotOf(const Labels& labels) const {
  const auto found = members_.find(labels);
  SLUICE_CHECK(found != members_.end());
  return found->second.group->snapshot();
}

std::optional<LeftOutObject> VisibilityIndex::LeftOut(const model::ResourceKey& key) const {
  const auto found = left_out_->find(key);
  if (found == left_out_->end()) return std::nullopt;
  return found->second;
}

}  // namespace sluice::controlplane
