#include "dataplane/discovery/staging.h"

#include <algorithm>

#include "common/base/limits.h"

namespace sluice::dataplane {
namespace {

model::DigestElement ElementOf(const Staging::Name& name, const std::string& version) {
  return model::DigestElementOf({name.first, name.second, version});
}

}  // namespace

void Staging::SetReceived(const Name& name, Entry& entry, std::optional<std::string> version) {
  if (entry.received == version) return;
  if (entry.received) received_sum_.TakeOut(ElementOf(name, *entry.received));
  if (version) received_sum_.Add(ElementOf(name, *version));
  entry.received = std::move(version);
}

void Staging::Restore(const AcceptedState& state) {
  for (const VersionedResource& held : state.resources) {
    const model::Resource& resource = *held.resource;
    const Name name{std::string(resource.kind().type_url), resource.key().DiscoveryName()};
    Entry& entry = entries_[name];
    SetReceived(name, entry, held.version);
    entry.accepted = held;
  }
  if (state.generation_version.empty()) return;
  generation_.emplace();
  generation_->set_number(state.generation);
  generation_->set_digest(state.digest);
  generation_version_ = state.generation_version;
  generation_taken_ = true;
  taken_generation_ = generation_;
  taken_generation_version_ = generation_version_;
}

AcceptedState Staging::Taken() const {
  AcceptedState state;
  state.resources.reserve(entries_.size());
  for (const auto& [name, entry] : entries_) {
    if (entry.accepted.resource == nullptr || taken_before_.contains(name)) continue;
    state.resources.push_back(entry.accepted);
  }
  for (const auto& [name, before] : taken_before_) {
    if (before.resource != nullptr) state.resources.push_back(before);
  }
  if (taken_generation_.has_value()) {
    state.generation = taken_generation_->number();
    state.digest = taken_generation_->digest();
    state.generation_version = taken_generation_version_;
  }
  return state;
}

void Staging::RememberTaken(const Name& name, const VersionedResource& accepted) {
  taken_before_.try_emplace(name, accepted);
}

void Staging::OnNewStream(bool held_is_known) {
  for (auto& [name, entry] : entries_) {
    const bool known = held_is_known && entry.accepted.resource != nullptr;
    SetReceived(name, entry, known ? std::optional(entry.accepted.version) : std::nullopt);
  }
  std::erase_if(entries_,
                [](const auto& entry) { return entry.second.accepted.resource == nullptr; });
  if (!held_is_known) generation_.reset();
}

bool Staging::Full(const Name& name) const {
  return entries_.size() >= limits::kStoredObjects && !entries_.contains(name);
}

void Staging::Accept(const Name& name, VersionedResource held) {
  refusals_.erase(name);
  pending_[held.resource->key()] = held;
  Entry& entry = entries_[name];
  RememberTaken(name, entry.accepted);
  SetReceived(name, entry, held.version);
  entry.accepted = std::move(held);
}

void Staging::Refuse(const Name& name, const std::string& version, Problems problems) {
  SetReceived(name, entries_[name], version);
  refusals_[name] = {version, std::move(problems)};
}

void Staging::Remove(const Name& name) {
  refusals_.erase(name);
  const auto found = entries_.find(name);
  if (found == entries_.end()) return;
  if (const auto& accepted = found->second.accepted.resource; accepted != nullptr) {
    pending_[accepted->key()] = {};
    RememberTaken(name, found->second.accepted);
  }
  SetReceived(name, found->second, std::nullopt);
  entries_.erase(found);
}

void Staging::SetGeneration(const v1::Generation& generation, const std::string& version) {
  generation_ = generation;
  generation_version_ = version;
  generation_taken_ = false;
}

void Staging::RemoveGeneration() {
  generation_.reset();
  generation_version_.clear();
  generation_taken_ = false;
}

bool Staging::MatchesAsRefused(const std::string& digest) const {
  model::DigestSum sum = received_sum_;
  for (const auto& [name, refusal] : refusals_) {
    const auto entry = entries_.find(name);
    if (entry != entries_.end() && entry->second.received) {
      sum.TakeOut(ElementOf(name, *entry->second.received));
    }
    sum.Add(ElementOf(name, refusal.version));
  }
  return sum.Hex() == digest;
}

std::optional<StagedSwap> Staging::TakeSwap(bool atomic) {
  StagedSwap swap;
  if (atomic) {
    if (!Incomplete()) return std::nullopt;
    if (Matches(generation_->digest())) {
      // What was refused on an earlier stream and is not there any more is no problem any more.
      std::erase_if(refusals_, [this](const auto& refusal) {
        const auto entry = entries_.find(refusal.first);
        return entry == entries_.end() || entry->second.received != refusal.second.version;
      });
    } else if (!refusals_.empty() && MatchesAsRefused(generation_->digest())) {
      // After a reconnect a server need not repeat what was refused before.
      for (const auto& [name, refusal] : refusals_) {
        SetReceived(name, entries_[name], refusal.version);
      }
    } else {
      return std::nullopt;
    }
    RemoveUnheardOf();
    generation_taken_ = true;
    swap.generation = generation_->number();
    swap.digest = generation_->digest();
  } else if (pending_.empty()) {
    return std::nullopt;
  }
  swap.updates.reserve(pending_.size());
  for (auto& [key, held] : pending_) swap.updates.push_back({key, std::move(held)});
  pending_.clear();
  taken_before_.clear();
  taken_generation_ = generation_;
  taken_generation_version_ = generation_version_;
  return swap;
}

void Staging::RemoveUnheardOf() {
  std::erase_if(entries_, [this](const auto& entry) {
    if (entry.second.received) return false;
    pending_[entry.second.accepted.resource->key()] = {};
    return true;
  });
}

std::map<std::string, std::string> Staging::AcceptedVersions(std::string_view type_url) const {
  std::map<std::string, std::string> versions;
  if (type_url == model::kGenerationTypeUrl) {
    if (generation_.has_value()) {
      versions[std::string(model::kGenerationName)] = generation_version_;
    }
    return versions;
  }
  for (auto entry = entries_.lower_bound({std::string(type_url), ""});
       entry != entries_.end() && entry->first.first == type_url; ++entry) {
    if (entry->second.accepted.resource != nullptr) {
      versions[entry->first.second] = entry->second.accepted.version;
    }
  }
  return versions;
}

const std::string* Staging::AcceptedVersion(const Name& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end() || found->second.accepted.resource == nullptr) return nullptr;
  return &found->second.accepted.version;
}

Staging::Problems Staging::Refusals() const {
  Problems all;
  for (const auto& [name, refusal] : refusals_) {
    all.insert(all.end(), refusal.problems.begin(), refusal.problems.end());
  }
  return all;
}

}  // namespace sluice::dataplane
