#include <functional>
#include <map>
#include <string>
#include <tuple>

#include "common/model/resource.h"
#include "common/model/shared_map.h"
#include "common/model/upstream_endpoints.h"
#include "sluice/v1/listener.pb.h"

namespace sluice::model {
namespace {

// Who names whom, sorted so that the referrers of one object stand together.
struct Edge {
  ResourceKey target;
  ResourceKey referrer;

  friend bool operator==(const Edge&, const Edge&) = default;
  friend auto operator<=>(const Edge&, const Edge&) = default;
};
struct Nothing {};

using Resources = SharedMap<ResourceKey, std::shared_ptr<const Resource>>;
using Edges = SharedMap<Edge, Nothing>;

std::vector<Edge> EdgesOf(const Resource& resource) {
  std::vector<Edge> edges;
  for (Reference& reference : resource.kind().references(resource.message())) {
    edges.push_back(
        {{reference.kind, resource.key().ns, std::move(reference.name)}, resource.key()});
  }
  return edges;
}

// Hashes of an upstream and an address: small, so that copying a chunk of them is cheap. Not kept
// anywhere, so any hash will do.
struct EndpointPlace {
  std::uint64_t upstream;
  std::uint64_t address;

  friend auto operator<=>(const EndpointPlace&, const EndpointPlace&) = default;
};
struct ListenerPlace {
  std::uint64_t address;
  ResourceKey listener;

  friend bool operator==(const ListenerPlace&, const ListenerPlace&) = default;
  friend auto operator<=>(const ListenerPlace&, const ListenerPlace&) = default;
};
using EndpointPlaces = SharedMap<EndpointPlace, std::uint32_t>;
using EndpointCounts = SharedMap<std::uint64_t, std::uint32_t>;
using ListenerPlaces = SharedMap<ListenerPlace, Nothing>;

std::uint64_t HashOf(const ResourceKey& key) {
  return std::hash<std::string>()(key.ns + '/' + key.name);
}
std::uint64_t HashOf(const SocketAddress& address) {
  return std::hash<std::string>()(address.Text());
}

std::optional<ListenerPlace> PlaceOf(const Resource& resource) {
  static const Kind* const kListener = FindKind("Listener");
  if (&resource.kind() != kListener) return std::nullopt;
  const std::optional<SocketAddress>& address = resource.addresses().front();
  if (!address) return std::nullopt;
  return ListenerPlace{HashOf(*address), resource.key()};
}

// By how much counts change: what stays as it was cancels out.
struct EndpointDifference {
  std::map<EndpointPlace, std::int64_t> places;
  std::map<std::uint64_t, std::int64_t> counts;

  void Add(const Resource& resource, std::int64_t by) {
    const auto list = EndpointsIn(resource);
    if (!list) return;
    const std::uint64_t upstream = HashOf(list->upstream);
    counts[upstream] += by * list->endpoints->size();
    for (const std::optional<SocketAddress>& address : resource.addresses()) {
      if (address) places[{upstream, HashOf(*address)}] += by;
    }
  }
};

template <typename Map, typename Key>
void AddTo(const Map& before, const std::map<Key, std::int64_t>& differences,
           typename Map::Builder& after) {
  for (const auto& [key, difference] : differences) {
    if (difference == 0) continue;
    const std::uint32_t* was = before.Find(key);
    const std::int64_t now = (was == nullptr ? 0 : *was) + difference;
    if (now == 0) {
      after.Erase(key);
    } else {
      after.Set(key, static_cast<std::uint32_t>(now));
    }
  }
}

}  // namespace

struct ResourceSet::State {
  Resources resources;
  Edges edges;
  EndpointPlaces endpoint_places;
  EndpointCounts endpoint_counts;
  ListenerPlaces listener_places;
};

const Resource* ResourceSet::Find(const ResourceKey& key) const {
  if (state_ == nullptr) return nullptr;
  const auto* found = state_->resources.Find(key);
  return found == nullptr ? nullptr : found->get();
}

const Resource* ResourceSet::Find(const Kind& kind, std::string_view ns,
                                  std::string_view name) const {
  return Find(ResourceKey{&kind, std::string(ns), std::string(name)});
}

void ResourceSet::ForEach(const std::function<void(const Resource&)>& visit) const {
  if (state_ == nullptr) return;
  state_->resources.VisitAll([&](const ResourceKey&, const auto& resource) { visit(*resource); });
}

void ResourceSet::ForEachOf(const Kind& kind,
                            const std::function<void(const Resource&)>& visit) const {
  if (state_ == nullptr) return;
  state_->resources.VisitFrom({&kind, "", ""}, [&](const ResourceKey& key, const auto& resource) {
    if (key.kind != &kind) return false;
    visit(*resource);
    return true;
  });
}

std::vector<const Resource*> ResourceSet::Referrers(const ResourceKey& target) const {
  std::vector<const Resource*> referrers;
  if (state_ == nullptr) return referrers;
  state_->edges.VisitFrom({target, {}}, [&](const Edge& edge, Nothing) {
    if (edge.target != target) return false;
    referrers.push_back(Find(edge.referrer));
    return true;
  });
  return referrers;
}

std::size_t ResourceSet::EndpointCount(const ResourceKey& upstream) const {
  const auto* count = state_ == nullptr ? nullptr : state_->endpoint_counts.Find(HashOf(upstream));
  return count == nullptr ? 0 : *count;
}

std::size_t ResourceSet::EndpointsAt(const ResourceKey& upstream,
                                     const SocketAddress& address) const {
  const auto* count = state_ == nullptr
                          ? nullptr
                          : state_->endpoint_places.Find({HashOf(upstream), HashOf(address)});
  return count == nullptr ? 0 : *count;
}

std::vector<const Resource*> ResourceSet::ListenersAt(const SocketAddress& address) const {
  std::vector<const Resource*> listeners;
  if (state_ == nullptr) return listeners;
  const std::uint64_t hash = HashOf(address);
  state_->listener_places.VisitFrom({hash, {}}, [&](const ListenerPlace& place, Nothing) {
    if (place.address != hash) return false;
    listeners.push_back(Find(place.listener));
    return true;
  });
  return listeners;
}

std::size_t ResourceSet::size() const { return state_ == nullptr ? 0 : state_->resources.size(); }

ResourceSet ResourceSet::With(const std::vector<Change>& changes) const {
  static const State kEmpty;
  const State& before = state_ == nullptr ? kEmpty : *state_;
  Resources::Builder resources(before.resources);
  Edges::Builder edges(before.edges);
  EndpointPlaces::Builder endpoint_places(before.endpoint_places);
  EndpointCounts::Builder endpoint_counts(before.endpoint_counts);
  ListenerPlaces::Builder listener_places(before.listener_places);
  EndpointDifference difference;
  // What each changed key holds now: a key may be changed more than once.
  std::map<ResourceKey, std::shared_ptr<const Resource>> latest;
  for (const Change& change : changes) {
    const auto [now, first_change] = latest.try_emplace(change.key);
    if (first_change) {
      if (const auto* found = before.resources.Find(change.key)) now->second = *found;
    }
    if (now->second != nullptr) {
      for (const Edge& edge : EdgesOf(*now->second)) edges.Erase(edge);
      difference.Add(*now->second, -1);
      if (const auto place = PlaceOf(*now->second)) listener_places.Erase(*place);
    }
    if (change.after != nullptr) {
      for (const Edge& edge : EdgesOf(*change.after)) edges.Set(edge, {});
      difference.Add(*change.after, 1);
      if (const auto place = PlaceOf(*change.after)) listener_places.Set(*place, {});
      resources.Set(change.key, change.after);
    } else {
      resources.Erase(change.key);
    }
    now->second = change.after;
  }
  AddTo(before.endpoint_places, difference.places, endpoint_places);
  AddTo(before.endpoint_counts, difference.counts, endpoint_counts);
  ResourceSet after;
  after.state_ = std::make_shared<const State>(State{
      std::move(resources).Build(), std::move(edges).Build(), std::move(endpoint_places).Build(),
      std::move(endpoint_counts).Build(), std::move(listener_places).Build()});
  return after;
}

}  // namespace sluice::model
