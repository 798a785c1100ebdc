#include "dataplane/compile/compiler.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <iterator>
#include <new>
#include <string_view>

#include "common/base/limits.h"
#include "common/model/validate.h"
#include "dataplane/compile/compile_access_policy.h"
#include "dataplane/compile/problem.h"
#include "sluice/v1/endpoint_slice.pb.h"
#include "sluice/v1/listener.pb.h"

namespace sluice::dataplane {
namespace {

// The row of a kind that this file has rules for.
template <typename Message>
const model::Kind* Kind() {
  static const model::Kind* const kind = model::FindKind(Message::descriptor()->name());
  return kind;
}

v1::ResourceProblem TooManyListeners(const VersionedResource& listener) {
  return MakeProblem(
      listener.resource->key(), listener.version, v1::ResourceProblem::NOT_PROGRAMMED,
      {"TooManyListeners", "",
       fmt::format("waits until one of the {} listeners that this data plane serves, "
                   "the most it can, has gone",
                   limits::kListeners)});
}

constexpr std::string_view kOutOfMemory = "OutOfMemory";

v1::ResourceProblem OutOfMemory(const VersionedResource& at) {
  return MakeProblem(at.resource->key(), at.version, v1::ResourceProblem::NOT_PROGRAMMED,
                     {kOutOfMemory, "",
                      "waits for memory: this data plane has not enough of it to put the object in "
                      "force"});
}

// What `compile` returns, or that memory ran out.
template <typename Compile>
auto WithinMemory(const VersionedResource& at, Compile compile) -> decltype(compile()) {
  try {
    return compile();
  } catch (const std::bad_alloc&) {
  }
  return tl::unexpected(OutOfMemory(at));
}

}  // namespace

const Compiler::KindRow Compiler::kKinds[] = {
    {"AccessPolicy", &Compiler::AcceptPolicy},
    {"EndpointSlice", &Compiler::AcceptSlice},
    {"Listener", &Compiler::AcceptListener},
    {"Upstream", &Compiler::AcceptUpstream},
};

Compiler::Compiler(Settings settings)
    : settings_(std::move(settings)),
      states_(settings_.workers),
      rings_(settings_.rings),
      config_(std::make_shared<RuntimeConfig>()) {}

std::shared_ptr<const RuntimeConfig> Compiler::Compile(ResourceUpdates updates) {
  if (unfinished_.empty()) {
    unfinished_.swap(updates);
  } else {
    unfinished_.insert(unfinished_.end(), std::make_move_iterator(updates.begin()),
                       std::make_move_iterator(updates.end()));
  }
  try {
    config_ = CompileUnfinished();
  } catch (const std::bad_alloc&) {
    return config_;  // Problems() names what is unfinished.
  }
  unfinished_.clear();
  to_rebuild_ = {};
  earlier_.clear();
  listeners_changed_ = upstreams_changed_ = false;
  return config_;
}

std::shared_ptr<const RuntimeConfig> Compiler::CompileUnfinished() {
  ToRebuild& rebuild = to_rebuild_;
  rebuild.listeners.insert(conflicted_.begin(), conflicted_.end());
  for (const ResourceUpdate& update : unfinished_) Accept(update, rebuild);
  AddThoseWithoutMemory(rebuild);
  for (const model::ResourceKey& key : rebuild.upstreams) {
    if (RebuildUpstream(key)) AddListenersUsing(key, rebuild.listeners);
  }
  // Now that the others have given up what they do not need.
  for (const auto& [key, points] : std::map(without_ring_)) {
    const auto in_force = upstreams_.find(key);
    if (!rings_.Has(points, in_force == upstreams_.end() ? 0 : PointsOf(in_force->second)))
      continue;
    if (RebuildUpstream(key)) AddListenersUsing(key, rebuild.listeners);
  }
  for (const model::ResourceKey& key : without_log_) {
    if (!rebuild.listeners.contains(key) && Link(*wanted_.Find(key))) rebuild.listeners.insert(key);
  }

  for (const model::ResourceKey& key : rebuild.listeners) {
    const auto found = listeners_.find(key);
    earlier_.try_emplace(
        key, found == listeners_.end() ? nullptr : std::make_unique<ListenerUnit>(found->second));
  }
  // Those that go make room for others.
  for (const bool gone : {true, false}) {
    for (const model::ResourceKey& key : rebuild.listeners) {
      if ((wanted_.Find(key) == nullptr) == gone) RebuildListener(key);
    }
  }
  SettleAddressConflicts();
  ReleaseDeparted();

  std::shared_ptr<ListenerList> listeners;
  if (listeners_changed_) {
    listeners = std::make_shared<ListenerList>();
    listeners->reserve(listeners_.size());
    for (const auto& [key, unit] : listeners_) listeners->push_back(unit.config);
    // One that lost its address to another is tried again each time, and falls back to what it was.
    if (*listeners == *config_->listeners) listeners = nullptr;
  }
  if (listeners == nullptr && !upstreams_changed_) return config_;
  auto config = std::make_shared<RuntimeConfig>(*config_);
  if (listeners != nullptr) config->listeners = std::move(listeners);
  if (upstreams_changed_) {
    config->upstreams.clear();
    for (const auto& [key, unit] : upstreams_) {
      const std::size_t slot = unit.config->shared->slot;
      if (slot >= config->upstreams.size()) config->upstreams.resize(slot + 1);
      config->upstreams[slot] = unit.config;
    }
  }
  return config;
}

void Compiler::AddThoseWithoutMemory(ToRebuild& rebuild) {
  for (const model::ResourceKey& key : Keys(without_memory_)) {
    if (key.kind == Kind<v1::Listener>()) {
      rebuild.listeners.insert(key);
    } else if (key.kind == Kind<v1::Upstream>()) {
      rebuild.upstreams.insert(key);
    } else if (const VersionedResource* wanted = wanted_.Find(key)) {
      RebuildPolicy(key, *wanted);
      AddListenersUsing(key, rebuild.listeners);
    }
  }
}

void Compiler::Accept(const ResourceUpdate& update, ToRebuild& rebuild) {
  const auto* row = std::find_if(std::begin(kKinds), std::end(kKinds), [&](const KindRow& kind) {
    return kind.name == update.key.kind->name;
  });
  if (row == std::end(kKinds)) return RefuseUnknown(update);
  (this->*row->accept)(update, rebuild);
  wanted_.Apply(update);
}

void Compiler::AcceptListener(const ResourceUpdate& update, ToRebuild& rebuild) {
  rebuild.listeners.insert(update.key);
}

void Compiler::AcceptUpstream(const ResourceUpdate& update, ToRebuild& rebuild) {
  rebuild.upstreams.insert(update.key);
}

// The upstream it belonged to, and the one it belongs to now.
void Compiler::AcceptSlice(const ResourceUpdate& update, ToRebuild& rebuild) {
  for (const VersionedResource* held : {wanted_.Find(update.key), &update.held}) {
    if (held != nullptr && held->resource != nullptr) {
      for (model::ResourceKey& target : TargetsOf(*held->resource)) {
        rebuild.upstreams.insert(std::move(target));
      }
    };
  }
}

void Compiler::AcceptPolicy(const ResourceUpdate& update, ToRebuild& rebuild) {
  RebuildPolicy(update.key, update.held);
  AddListenersUsing(update.key, rebuild.listeners);
}

void Compiler::RefuseUnknown(const ResourceUpdate& update) {
  problems_.erase(update.key);
  if (update.held.resource == nullptr) return;
  Report(update.key, MakeProblem(update.key, update.held.version, v1::ResourceProblem::REFUSED,
                                 {"UnknownKind", "kind",
                                  fmt::format("this data plane does not serve objects of kind {}",
                                              update.key.kind->name)}));
}

void Compiler::AddListenersUsing(const model::ResourceKey& target, Keys& listeners) const {
  for (const Keys* users : {&wanted_.UsersOf(target), &in_force_references_.UsersOf(target)}) {
    for (const model::ResourceKey& user : *users) {
      if (user.kind == Kind<v1::Listener>()) listeners.insert(user);
    }
  }
}

std::vector<VersionedResource> Compiler::SlicesOf(const model::ResourceKey& upstream) const {
  std::vector<VersionedResource> slices;
  for (const model::ResourceKey& user : wanted_.UsersOf(upstream)) {
    if (user.kind == Kind<v1::EndpointSlice>()) slices.push_back(*wanted_.Find(user));
  }
  return slices;
}

void Compiler::RebuildPolicy(const model::ResourceKey& key, const VersionedResource& wanted) {
  problems_.erase(key);
  without_memory_.erase(key);
  if (wanted.resource == nullptr) {
    if (policies_.contains(key)) departed_.insert(key);
    return;
  }
  departed_.erase(key);
  auto compiled = WithinMemory(wanted, [&] { return CompileAccessPolicy(wanted); });
  if (!compiled) {
    if (compiled.error().reason() == kOutOfMemory) without_memory_.insert(key);
    Report(key, compiled.error());
    return;
  }
  policies_[key] = {wanted, *std::move(compiled)};
}

bool Compiler::RebuildUpstream(const model::ResourceKey& key) {
  problems_.erase(key);
  without_ring_.erase(key);
  without_memory_.erase(key);
  const std::vector<VersionedResource> slices = SlicesOf(key);
  const auto in_force = upstreams_.find(key);
  const VersionedResource* wanted = wanted_.Find(key);
  if (wanted == nullptr) {
    if (in_force != upstreams_.end()) departed_.insert(key);
    for (const VersionedResource& slice : slices) {
      Report(key,
             MakeProblem(slice.resource->key(), slice.version, v1::ResourceProblem::NOT_PROGRAMMED,
                         {"RefNotFound", "spec.upstream",
                          fmt::format("waits for upstream '{}'", key.name)}));
    }
    return false;
  }
  departed_.erase(key);
  const UpstreamUnit* earlier = in_force == upstreams_.end() ? nullptr : &in_force->second;
  RingClaim ring{rings_, earlier == nullptr ? 0 : PointsOf(*earlier)};
  auto unit = WithinMemory(*wanted, [&]() -> tl::expected<UpstreamUnit, v1::ResourceProblem> {
    UpstreamParts parts = PartsOf(*wanted, slices, earlier == nullptr ? nullptr : &earlier->parts);
    auto config = CompileUpstream(parts, ring, states_);
    if (!config) return tl::unexpected(config.error());
    return UpstreamUnit{std::move(parts), *std::move(config)};
  });
  if (!unit) {
    if (unit.error().reason() == kNoRoomForRing) without_ring_[key] = ring.points;
    if (unit.error().reason() == kOutOfMemory) without_memory_.insert(key);
    Report(key, unit.error());
    return false;
  }
  // Only whether it is there, and whether a UDP listener may use it, matters to listeners.
  const bool relink =
      earlier == nullptr || earlier->config->has_unix_endpoint != unit->config->has_unix_endpoint;
  ReplaceUpstream(key, &*unit);
  return relink;
}

std::uint64_t Compiler::PointsOf(const UpstreamUnit& unit) { return unit.config->ring.points(); }

void Compiler::ReplaceUpstream(const model::ResourceKey& key, UpstreamUnit* unit) {
  const auto found = upstreams_.find(key);
  const std::uint64_t before = found == upstreams_.end() ? 0 : PointsOf(found->second);
  const std::uint64_t after = unit == nullptr ? 0 : PointsOf(*unit);
  if (unit == nullptr) {
    upstreams_.erase(found);
  } else if (found == upstreams_.end()) {
    upstreams_.emplace(key, std::move(*unit));
  } else {
    found->second = std::move(*unit);
  }
  rings_.Replace(before, after);
  upstreams_changed_ = true;
}

// What is in force of the same objects is taken over.
UpstreamParts Compiler::PartsOf(const VersionedResource& upstream,
                                const std::vector<VersionedResource>& slices,
                                const UpstreamParts* in_force) {
  std::map<const model::Resource*, const EndpointPart*> known;
  if (in_force != nullptr) {
    known.emplace(in_force->upstream.held.resource.get(), &in_force->upstream);
    for (const EndpointPart& slice : in_force->slices) {
      known.emplace(slice.held.resource.get(), &slice);
    }
  }
  const std::string name = upstream.resource->key().DiscoveryName();
  const auto part_of = [&](const VersionedResource& held) {
    const auto found = known.find(held.resource.get());
    return found == known.end() ? ReadEndpoints(held, name, states_)
                                : EndpointPart{held, found->second->endpoints};
  };
  UpstreamParts parts{part_of(upstream), {}};
  parts.slices.reserve(slices.size());
  for (const VersionedResource& slice : slices) parts.slices.push_back(part_of(slice));
  return parts;
}

void Compiler::RebuildListener(const model::ResourceKey& key) {
  problems_.erase(key);
  conflicted_.erase(key);
  without_log_.erase(key);
  without_memory_.erase(key);
  const VersionedResource* wanted = wanted_.Find(key);
  if (wanted == nullptr ||
      !model::Selects(wanted->resource->As<v1::Listener>().spec().node_selector(),
                      settings_.labels)) {
    Replace(key, nullptr);
    return;
  }
  auto unit = HasRoomFor(key) ? Link(*wanted) : tl::unexpected(TooManyListeners(*wanted));
  if (unit) {
    Replace(key, &*unit);
    return;
  }
  Report(key, unit.error());
  if (unit.error().reason() == kLogUnavailable) without_log_.insert(key);
  if (unit.error().reason() == kOutOfMemory) without_memory_.insert(key);
  // The last good form stays, but follows its policies.
  const auto in_force = listeners_.find(key);
  if (in_force == listeners_.end()) return;
  if (auto again = Link(in_force->second.listener)) Replace(key, &*again);
}

bool Compiler::HasRoomFor(const model::ResourceKey& listener) {
  if (listeners_.contains(listener) || listeners_.size() < limits::kListeners) return true;
  conflicted_.insert(listener);  // Tried again with each change.
  return false;
}

tl::expected<Compiler::ListenerUnit, v1::ResourceProblem> Compiler::Link(
    const VersionedResource& listener) {
  ListenerParts parts{listener, {}, {}};
  const model::Resource& resource = *listener.resource;
  for (const model::Reference& reference : resource.kind().references(resource.message())) {
    const model::ResourceKey target{reference.kind, resource.key().ns, reference.name};
    const auto upstream = upstreams_.find(target);
    const auto policy = policies_.find(target);
    if (upstream != upstreams_.end()) {
      parts.upstreams[target.name] = upstream->second.config.get();
    } else if (policy != policies_.end()) {
      parts.policies.push_back(policy->second.compiled);
    } else {
      const bool refused = wanted_.Find(target) != nullptr;
      return tl::unexpected(MakeProblem(
          resource.key(), listener.version, v1::ResourceProblem::NOT_PROGRAMMED,
          {refused ? "RefNotProgrammed" : "RefNotFound", reference.field,
           fmt::format("waits for {}{}", target.Text(),
                       refused ? ", which has been refused" : ", which is not there")}));
    }
  }
  auto config = WithinMemory(listener, [&] {
    return CompileListener(parts, settings_.access_log, settings_.sockets, states_);
  });
  if (!config) return tl::unexpected(config.error());
  return ListenerUnit{listener, *std::move(config)};
}

Compiler::Claim Compiler::ClaimOf(const ListenerUnit& unit) {
  return {unit.config->protocol, unit.config->address.Text()};
}

void Compiler::Replace(const model::ResourceKey& key, const ListenerUnit* unit) {
  if (const auto found = listeners_.find(key); found != listeners_.end()) {
    in_force_references_.Remove(key, TargetsOf(*found->second.listener.resource));
    const auto claimed = claims_.find(ClaimOf(found->second));
    claimed->second.erase(key);
    if (claimed->second.empty()) claims_.erase(claimed);
    listeners_.erase(found);
    listeners_changed_ = true;
  }
  if (unit == nullptr) return;
  in_force_references_.Add(key, TargetsOf(*unit->listener.resource));
  claims_[ClaimOf(*unit)].insert(key);
  listeners_.insert_or_assign(key, ListenerUnit(*unit));
  listeners_changed_ = true;
}

// Each loser falls back to its earlier form, and when that form's address is taken too, out of
// force: two steps a listener at most, so this ends.
void Compiler::SettleAddressConflicts() {
  const EarlierUnits& earlier = earlier_;
  Keys fallen_back;
  std::deque<Claim> to_check;
  for (const auto& [key, unit] : earlier) {
    const auto now = listeners_.find(key);
    if (now != listeners_.end()) to_check.push_back(ClaimOf(now->second));
  }
  for (; !to_check.empty(); to_check.pop_front()) {
    const auto claimed = claims_.find(to_check.front());
    if (claimed == claims_.end() || claimed->second.size() < 2) continue;
    const Keys claimants = claimed->second;
    // One that was not rebuilt, or was on this address before, was there first.
    const auto was_there = [&](const model::ResourceKey& key) {
      const auto found = earlier.find(key);
      return found == earlier.end() ||
             (found->second != nullptr && ClaimOf(*found->second) == to_check.front());
    };
    const auto first = std::find_if(claimants.begin(), claimants.end(), was_there);
    const model::ResourceKey& holder = first == claimants.end() ? *claimants.begin() : *first;
    for (const model::ResourceKey& key : claimants) {
      if (key == holder) continue;
      const VersionedResource& wanted = *wanted_.Find(key);
      Report(key, MakeProblem(key, wanted.version, v1::ResourceProblem::NOT_PROGRAMMED,
                              {"AddressConflict", "spec.address",
                               fmt::format("{} already has address '{}'", holder.Text(),
                                           to_check.front().second)}));
      conflicted_.insert(key);
      const ListenerUnit* fallback =
          fallen_back.insert(key).second ? earlier.at(key).get() : nullptr;
      // The last good form stays, but follows its policies.
      auto again =
          fallback == nullptr ? tl::unexpected(v1::ResourceProblem()) : Link(fallback->listener);
      Replace(key, again ? &*again : fallback);
      if (fallback != nullptr) to_check.push_back(ClaimOf(*fallback));
    }
  }
}

void Compiler::ReleaseDeparted() {
  std::erase_if(departed_, [this](const model::ResourceKey& key) {
    const Keys& users = in_force_references_.UsersOf(key);
    problems_.erase(key);
    if (users.empty()) {
      policies_.erase(key);
      if (upstreams_.contains(key)) {
        ReplaceUpstream(key, nullptr);
        RebuildUpstream(key);  // Names the slices that are left behind.
      }
      return true;
    }
    const auto policy = policies_.find(key);
    const VersionedResource& kept =
        policy != policies_.end() ? policy->second.policy : upstreams_.at(key).parts.upstream.held;
    Report(key, MakeProblem(key, kept.version, v1::ResourceProblem::NOT_PROGRAMMED,
                            {"StillReferenced", "",
                             fmt::format("removed, but kept while {} refers to it",
                                         users.begin()->Text())}));
    return false;
  });
}

void Compiler::Report(const model::ResourceKey& unit, v1::ResourceProblem problem) {
  problems_[unit].push_back(std::move(problem));
}

std::vector<v1::ResourceProblem> Compiler::Problems() const {
  std::vector<v1::ResourceProblem> all;
  for (const auto& [key, problems] : problems_)
    all.insert(all.end(), problems.begin(), problems.end());
  for (const ResourceUpdate& update : unfinished_) {
    if (update.held.resource != nullptr) all.push_back(OutOfMemory(update.held));
  }
  return all;
}

std::vector<VersionedResource> Compiler::InForce() const {
  std::map<model::ResourceKey, VersionedResource> all;
  for (const auto& [key, unit] : policies_) all[key] = unit.policy;
  for (const auto& [key, unit] : upstreams_) {
    all[key] = unit.parts.upstream.held;
    for (const EndpointPart& slice : unit.parts.slices) {
      all[slice.held.resource->key()] = slice.held;
    }
  }
  for (const auto& [key, unit] : listeners_) all[key] = unit.listener;
  std::vector<VersionedResource> in_order;
  in_order.reserve(all.size());
  for (auto& [key, held] : all) in_order.push_back(std::move(held));
  return in_order;
}

ResourceUpdates Compiler::InForceInstead() const {
  ResourceUpdates instead;
  const auto compare = [&](const VersionedResource& in_force) {
    const model::ResourceKey& key = in_force.resource->key();
    const VersionedResource* wanted = wanted_.Find(key);
    if (wanted == nullptr || !(*wanted == in_force)) instead.push_back({key, in_force});
  };
  // Only units with a problem can differ.
  for (const auto& [key, problems] : problems_) {
    if (const auto upstream = upstreams_.find(key); upstream != upstreams_.end()) {
      compare(upstream->second.parts.upstream.held);
      Keys parts;
      for (const EndpointPart& slice : upstream->second.parts.slices) {
        compare(slice.held);
        parts.insert(slice.held.resource->key());
      }
      for (const model::ResourceKey& user : wanted_.UsersOf(key)) {
        if (user.kind == Kind<v1::EndpointSlice>() && !parts.contains(user))
          instead.push_back({user, {}});
      }
    } else if (const auto policy = policies_.find(key); policy != policies_.end()) {
      compare(policy->second.policy);
    } else if (const auto listener = listeners_.find(key); listener != listeners_.end()) {
      compare(listener->second.listener);
    }
  }
  return instead;
}

}  // namespace sluice::dataplane
