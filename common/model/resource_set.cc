#include <map>
#include <tuple>

#include "common/model/resource.h"
#include "common/model/shared_map.h"

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

}  // namespace

struct ResourceSet::State {
  Resources resources;
  Edges edges;
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

std::size_t ResourceSet::size() const { return state_ == nullptr ? 0 : state_->resources.size(); }

ResourceSet ResourceSet::With(const std::vector<Change>& changes) const {
  static const State kEmpty;
  const State& before = state_ == nullptr ? kEmpty : *state_;
  Resources::Builder resources(before.resources);
  Edges::Builder edges(before.edges);
  // What each changed key holds now: a key may be changed more than once.
  std::map<ResourceKey, std::shared_ptr<const Resource>> latest;
  for (const Change& change : changes) {
    const auto [now, first_change] = latest.try_emplace(change.key);
    if (first_change) {
      if (const auto* found = before.resources.Find(change.key)) now->second = *found;
    }
    if (now->second != nullptr) {
      for (const Edge& edge : EdgesOf(*now->second)) edges.Erase(edge);
    }
    if (change.after != nullptr) {
      for (const Edge& edge : EdgesOf(*change.after)) edges.Set(edge, {});
      resources.Set(change.key, change.after);
    } else {
      resources.Erase(change.key);
    }
    now->second = change.after;
  }
  ResourceSet after;
  after.state_ =
      std::make_shared<const State>(State{std::move(resources).Build(), std::move(edges).Build()});
  return after;
}

}  // namespace sluice::model
