#include "controlplane/discovery/subscription.h"

#include <iterator>
#include <utility>

namespace sluice::controlplane {
namespace {

// Moves names out of `from` until their bytes would go over the limit; at least one.
std::vector<std::string> Take(std::set<std::string, std::less<>>& from, std::size_t bytes) {
  std::vector<std::string> taken;
  std::size_t sum = 0;
  while (!from.empty()) {
    sum += from.begin()->size() + 4;  // Tag and length.
    if (sum > bytes && !taken.empty()) break;
    taken.push_back(std::move(from.extract(from.begin()).value()));
  }
  return taken;
}

}  // namespace

void Subscription::UnsubscribeWildcard() {
  wildcard_ = false;
  std::erase_if(held_, [&](const auto& held) { return !names_.contains(held.first); });
  std::erase_if(updates_, [&](const auto& update) { return !names_.contains(update.first); });
  std::erase_if(removals_, [&](const std::string& name) { return !names_.contains(name); });
}

void Subscription::Unsubscribe(const std::string& name, const SnapshotTable& table) {
  names_.erase(name);
  if (wildcard_) {
    PlanAnyway(name, table);  // Still covered: the client is told what it is to hold after this.
    return;
  }
  updates_.erase(name);
  held_.erase(name);
  removals_.erase(name);
  absent_.erase(name);
}

void Subscription::Claim(const std::string& name, const std::string& version) {
  if (!Covers(name)) return;
  Hold(std::make_shared<const SnapshotItem>(SnapshotItem{name, version, {}, 0}));
}

void Subscription::Plan(std::string_view name, const SnapshotTable& table) {
  if (!Covers(name)) return;
  const SnapshotEntry* entry = table.Find(name);
  const std::string* held = HeldVersion(name);
  updates_.erase(name);
  if (const auto removal = removals_.find(name); removal != removals_.end()) {
    removals_.erase(removal);
  }
  if (entry != nullptr) {
    if (const auto absent = absent_.find(name); absent != absent_.end()) absent_.erase(absent);
    if (held == nullptr || *held != entry->item->version) {
      updates_.emplace(entry->item->name, entry->item);
    }
  } else if (held != nullptr) {
    removals_.emplace(name);
  }
}

void Subscription::PlanAnyway(const std::string& name, const SnapshotTable& table) {
  const SnapshotEntry* entry = table.Find(name);
  if (entry != nullptr) {
    updates_.insert_or_assign(entry->item->name, entry->item);
  } else if (!removals_.contains(name)) {
    absent_.insert(name);
  }
}

void Subscription::PlanEverything(const SnapshotTable& table) {
  std::vector<std::string> gone;
  for (const auto& [name, item] : held_) {
    if (table.Find(name) == nullptr) gone.emplace_back(name);
  }
  for (const std::string& name : gone) Plan(name, table);
  if (wildcard_) {
    for (const SnapshotEntry& entry : table.entries()) Plan(entry.item->name, table);
  } else {
    for (const std::string& name : names_) Plan(name, table);
  }
}

Subscription::Items Subscription::TakeUpdates(std::size_t bytes) {
  Items taken;
  std::size_t sum = 0;
  while (!updates_.empty()) {
    const auto next = updates_.begin();
    sum += next->second->wire.size() + 6;  // Tag and length.
    if (sum > bytes && !taken.empty()) break;
    taken.push_back(std::move(next->second));
    updates_.erase(next);
    Hold(taken.back());
  }
  return taken;
}

std::vector<std::string> Subscription::TakeRemovals(std::size_t bytes) {
  std::vector<std::string> taken = Take(removals_, bytes);
  for (const std::string& name : taken) held_.erase(name);
  return taken;
}

std::vector<std::string> Subscription::TakeAbsent(std::size_t bytes) {
  std::vector<std::string> taken = Take(absent_, bytes);
  for (const std::string& name : taken) held_.erase(name);
  return taken;
}

const std::string* Subscription::HeldVersion(std::string_view name) const {
  const auto found = held_.find(name);
  return found == held_.end() ? nullptr : &found->second->version;
}

void Subscription::Hold(std::shared_ptr<const SnapshotItem> item) {
  const std::string_view name = item->name;
  held_.erase(name);  // The key points into the item before.
  held_.emplace(name, std::move(item));
}

}  // namespace sluice::controlplane
