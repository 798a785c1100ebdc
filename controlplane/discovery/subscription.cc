#include "controlplane/discovery/subscription.h"

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
  std::map<std::string, Item, std::less<>> own;
  for (const std::string& name : names_) {
    const SnapshotEntry* swept = sweep_ == nullptr ? nullptr : sweep_->Find(name);
    if (swept != nullptr && !Swept(name)) updates_.try_emplace(swept->item->name, swept->item);
    const auto mine = own_.find(name);
    if (mine != own_.end()) {
      if (mine->second != nullptr) own.insert(*mine);
    } else if (swept != nullptr && Swept(name)) {
      own.emplace(name, swept->item);
    } else if (const SnapshotEntry* held = base_->Find(name)) {
      own.emplace(name, held->item);
    }
  }
  wildcard_ = false;
  own_ = std::move(own);
  sweep_ = nullptr;
  base_ = std::make_shared<const SnapshotTable>();
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
  own_.erase(name);
  removals_.erase(name);
  absent_.erase(name);
}

void Subscription::Claim(const Versions& versions, const Table& table) {
  std::size_t same = 0;
  for (const auto& [name, version] : versions) {
    if (!Covers(name)) continue;
    const SnapshotEntry* entry = table->Find(name);
    const bool current = entry != nullptr && entry->item->version == version;
    if (current) ++same;
    own_.insert_or_assign(std::string(name),
                          current ? entry->item
                                  : std::make_shared<const SnapshotItem>(SnapshotItem{
                                        std::string(name), std::string(version), {}, 0, {}}));
  }
  // A client that holds most of the table shares it, and only its exceptions are kept.
  if (!wildcard_ || same <= table->entries().size() / 2) return;
  base_ = table;
  for (const SnapshotEntry& entry : table->entries()) {
    const auto mine = own_.find(entry.item->name);
    if (mine == own_.end()) {
      own_.emplace(entry.item->name, nullptr);
    } else if (mine->second == entry.item) {
      own_.erase(mine);
    }
  }
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

void Subscription::PlanEverything(const Table& table) {
  std::vector<std::string> gone;
  for (const auto& [name, item] : own_) {
    if (item != nullptr && table->Find(name) == nullptr) gone.push_back(name);
  }
  if (base_ != table) {
    for (const SnapshotEntry& held : base_->entries()) {
      if (table->Find(held.item->name) == nullptr) gone.push_back(held.item->name);
    }
  }
  for (const std::string& name : gone) Plan(name, *table);
  if (!wildcard_) {
    for (const std::string& name : names_) Plan(name, *table);
    return;
  }
  const auto is_there = [&](const std::string& name) { return table->Find(name) != nullptr; };
  std::erase_if(removals_, is_there);
  std::erase_if(absent_, is_there);
  if (sweep_ == table) return;  // What was swept of it is held.
  sweep_ = table;
  sweep_next_ = 0;
  SkipHeld();
}

Subscription::Items Subscription::TakeUpdates(std::size_t bytes) {
  Items taken;
  std::size_t sum = 0;
  while (has_updates()) {
    const auto planned = updates_.begin();
    const SnapshotEntry* swept = Sweeping() ? &sweep_->entries()[sweep_next_] : nullptr;
    const bool sweeps =
        planned == updates_.end() || (swept != nullptr && swept->item->name < planned->first);
    const Item& next = sweeps ? swept->item : planned->second;
    sum += next->wire.size() + 6;  // Tag and length.
    if (sum > bytes && !taken.empty()) break;
    taken.push_back(next);
    if (sweeps) {
      own_.erase(next->name);
      ++sweep_next_;
    } else {
      updates_.erase(planned);
      Hold(taken.back());
    }
    SkipHeld();
  }
  return taken;
}

std::vector<std::string> Subscription::TakeRemovals(std::size_t bytes) {
  std::vector<std::string> taken = Take(removals_, bytes);
  for (const std::string& name : taken) Unhold(name);
  return taken;
}

std::vector<std::string> Subscription::TakeAbsent(std::size_t bytes) {
  std::vector<std::string> taken = Take(absent_, bytes);
  for (const std::string& name : taken) Unhold(name);
  return taken;
}

void Subscription::Settle(const Table& table) {
  if (!wildcard_ || has_updates() || has_removals()) return;
  base_ = table;
  sweep_ = nullptr;
  own_.clear();
}

// Has the sweep gone past where the name is or would be?
bool Subscription::Swept(std::string_view name) const {
  return sweep_ != nullptr && (!Sweeping() || name < sweep_->entries()[sweep_next_].item->name);
}

// What the client holds as it is need not be swept up.
void Subscription::SkipHeld() {
  for (; Sweeping(); ++sweep_next_) {
    const SnapshotItem& next = *sweep_->entries()[sweep_next_].item;
    const std::string* held = HeldVersion(next.name);
    if (held == nullptr || *held != next.version) return;
    own_.erase(next.name);
  }
}

const std::string* Subscription::HeldVersion(std::string_view name) const {
  if (const auto mine = own_.find(name); mine != own_.end()) {
    return mine->second == nullptr ? nullptr : &mine->second->version;
  }
  if (Swept(name)) {
    if (const SnapshotEntry* entry = sweep_->Find(name)) return &entry->item->version;
  }
  const SnapshotEntry* entry = base_->Find(name);
  return entry == nullptr ? nullptr : &entry->item->version;
}

void Subscription::Hold(const Item& item) { own_.insert_or_assign(item->name, item); }

void Subscription::Unhold(std::string_view name) {
  const auto mine = own_.find(name);
  if (mine != own_.end()) own_.erase(mine);
  if (HeldVersion(name) != nullptr) own_.emplace(name, nullptr);
}

}  // namespace sluice::controlplane
