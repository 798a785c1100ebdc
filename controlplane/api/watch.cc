#include "controlplane/api/watch.h"

#include <fmt/format.h>

#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "common/base/mutex.h"
#include "controlplane/api/resource_view.h"

namespace sluice::controlplane {
namespace {

using Event = v1::WatchResponse::Event;
using ResourcePtr = std::shared_ptr<const model::Resource>;

struct Pending {
  Event event;
  ResourcePtr resource;
  std::int64_t generation;
};

// What a change is to this client, if it is anything.
std::optional<Pending> EventOf(const ResourceFilter& filter, const model::Change& change,
                               std::int64_t generation) {
  const bool was = change.before != nullptr && filter.Selects(*change.before);
  const bool is = change.after != nullptr && filter.Selects(*change.after);
  if (is)
    return Pending{was ? v1::WatchResponse::MODIFIED : v1::WatchResponse::ADDED, change.after,
                   generation};
  // Gone from the selection but not from the store: as it is now, without what made it belong.
  if (was) {
    return Pending{v1::WatchResponse::DELETED,
                   change.after != nullptr ? change.after : change.before, generation};
  }
  return std::nullopt;
}

// A watch of a kind that is stored.
class ObjectWatch final : public Watch {
 public:
  ObjectWatch(ResourceFilter filter, const FleetView& fleet, std::function<void()> wake)
      : filter_(std::move(filter)), fleet_(fleet), wake_(std::move(wake)) {}

  Answer<void> Start(Catalog& catalog, std::int64_t from_generation) {
    auto subscription =
        catalog.Subscribe([this](const CatalogChange& change) { OnChange(change); });
    subscription_ = std::move(subscription.handle);
    initial_ = std::move(subscription.from);
    generation_ = initial_->generation;
    if (from_generation == 0) {
      initial_->resources.ForEachOf(*filter_.kind, [this](const model::Resource& resource) {
        if (filter_.Selects(resource)) initial_objects_.push_back(&resource);
      });
      return {};
    }
    auto commits = catalog.CommitsAfter(from_generation);
    if (!commits) {
      return Refuse(commits.error().code,
                    commits.error().message + "; list again and watch from the list's generation");
    }
    for (const StoreCommit& commit : *commits) {
      if (commit.generation > generation_) break;  // Comes through the subscription.
      for (const model::Change& change : commit.changes) {
        if (auto event = EventOf(filter_, change, commit.generation))
          missed_.push_back(std::move(*event));
      }
    }
    // What the client knows from before: their status is compared from here on.
    initial_->resources.ForEachOf(*filter_.kind, [this](const model::Resource& resource) {
      if (filter_.Selects(resource)) Remember(resource, fleet_.StatusOf(resource));
    });
    return {};
  }

  Progress Next(v1::WatchResponse& event) override {
    if (next_initial_ < initial_objects_.size()) {
      const model::Resource& resource = *initial_objects_[next_initial_++];
      Fill(event, v1::WatchResponse::ADDED, resource, generation_);
      return Progress::kEvent;
    }
    if (!missed_.empty()) return Take(missed_, event);
    if (initial_ != nullptr) {
      initial_objects_ = {};
      initial_ = nullptr;
      event.set_event(v1::WatchResponse::SYNCED);
      event.set_generation(generation_);
      return Progress::kEvent;
    }
    if (!status_changes_.empty()) return Take(status_changes_, event);

    std::optional<Pending> pending;
    {
      const MutexLock lock(mutex_);
      if (too_slow_) return Progress::kTooSlow;
      if (queue_.empty()) return Progress::kIdle;
      pending = std::move(queue_.front());
      queue_.pop_front();
    }
    Fill(event, pending->event, *pending->resource, pending->generation);
    return Progress::kEvent;
  }

  void CompareStatuses() override {
    if (initial_ != nullptr || !status_changes_.empty()) return;  // They are filled in when sent.
    for (const auto& [key, known] : known_) {
      if (fleet_.StatusOf(*known.resource).SerializeAsString() == known.status) continue;
      status_changes_.push_back({v1::WatchResponse::MODIFIED, known.resource, generation_});
    }
  }

 private:
  struct Known {
    ResourcePtr resource;
    std::string status;
  };

  void OnChange(const CatalogChange& change) {
    bool woken = false;
    {
      const MutexLock lock(mutex_);
      for (const model::Change& one : change.changes) {
        auto event = EventOf(filter_, one, change.after->generation);
        if (!event) continue;
        woken = true;
        if (queue_.size() < limits::kWatchBacklog) {
          queue_.push_back(std::move(*event));
        } else {
          too_slow_ = true;
        }
      }
      if (too_slow_) queue_.clear();
    }
    if (woken) wake_();
  }

  Progress Take(std::deque<Pending>& from, v1::WatchResponse& event) {
    const Pending pending = std::move(from.front());
    from.pop_front();
    Fill(event, pending.event, *pending.resource, pending.generation);
    return Progress::kEvent;
  }

  void Fill(v1::WatchResponse& event, Event type, const model::Resource& resource,
            std::int64_t generation) {
    const v1::ObjectStatus status = fleet_.StatusOf(resource);
    event.set_event(type);
    *event.mutable_resource() = WithStatus(resource, status);
    event.set_generation(generation);
    generation_ = generation;
    if (type == v1::WatchResponse::DELETED) {
      known_.erase(resource.key());
    } else {
      Remember(resource, status);
    }
  }

  void Remember(const model::Resource& resource, const v1::ObjectStatus& status) {
    known_.insert_or_assign(resource.key(), Known{std::make_shared<const model::Resource>(resource),
                                                  status.SerializeAsString()});
  }

  const ResourceFilter filter_;
  const FleetView& fleet_;
  const std::function<void()> wake_;

  // The reader's side.
  std::shared_ptr<const CatalogState>
      initial_;  // Until SYNCED; holds what initial_objects_ points to.
  std::vector<const model::Resource*> initial_objects_;
  std::size_t next_initial_ = 0;
  std::deque<Pending> missed_;
  std::deque<Pending> status_changes_;
  std::map<model::ResourceKey, Known> known_;  // As last sent.
  std::int64_t generation_ = 0;                // Of the last event.

  Mutex mutex_;
  std::deque<Pending> queue_ ABSL_GUARDED_BY(mutex_);
  bool too_slow_ ABSL_GUARDED_BY(mutex_) = false;

  std::shared_ptr<void> subscription_;  // Last: it goes before what its callback uses.
};

// A watch of DataPlane objects: each comparison finds what came, changed and went.
class DataPlaneWatch final : public Watch {
 public:
  DataPlaneWatch(ResourceFilter filter, const Catalog& catalog, const FleetView& fleet)
      : filter_(std::move(filter)), catalog_(catalog), fleet_(fleet) {
    Compare();
  }

  Progress Next(v1::WatchResponse& event) override {
    if (!events_.empty()) {
      const Pending pending = std::move(events_.front());
      events_.pop_front();
      event.set_event(pending.event);
      *event.mutable_resource() = pending.resource->ToAny();
      event.set_generation(pending.generation);
      return Progress::kEvent;
    }
    if (synced_) return Progress::kIdle;
    synced_ = true;
    event.set_event(v1::WatchResponse::SYNCED);
    event.set_generation(catalog_.Current()->generation);
    return Progress::kEvent;
  }

  void CompareStatuses() override {
    if (synced_ && events_.empty()) Compare();
  }

 private:
  void Compare() {
    const std::int64_t generation = catalog_.Current()->generation;
    std::map<model::ResourceKey, ResourcePtr> present;
    for (const model::Resource& resource : fleet_.DataPlanes()) {
      if (!filter_.Selects(resource)) continue;
      auto shared = std::make_shared<const model::Resource>(resource);
      const auto before = known_.find(resource.key());
      if (before == known_.end()) {
        events_.push_back({v1::WatchResponse::ADDED, shared, generation});
      } else if (before->second->message().SerializeAsString() !=
                 resource.message().SerializeAsString()) {
        events_.push_back({v1::WatchResponse::MODIFIED, shared, generation});
      }
      present.emplace(resource.key(), std::move(shared));
    }
    for (const auto& [key, resource] : known_) {
      if (!present.contains(key))
        events_.push_back({v1::WatchResponse::DELETED, resource, generation});
    }
    known_ = std::move(present);
  }

  const ResourceFilter filter_;
  const Catalog& catalog_;
  const FleetView& fleet_;
  bool synced_ = false;
  std::map<model::ResourceKey, ResourcePtr> known_;
  std::deque<Pending> events_;
};

}  // namespace

Answer<std::unique_ptr<Watch>> StartWatch(const v1::WatchRequest& request, Catalog& catalog,
                                          const FleetView& fleet, std::function<void()> wake) {
  auto filter =
      ResourceFilter::Parse(request.kind(), request.namespace_(), request.label_selector());
  if (!filter) return tl::unexpected(filter.error());
  filter->name = request.name();
  if (request.from_generation() < 0) {
    return Refuse(
        ErrorCode::kInvalidArgument,
        fmt::format("`fromGeneration` must not be negative, got {}", request.from_generation()));
  }
  if (filter->kind->read_only) {
    return std::make_unique<DataPlaneWatch>(std::move(*filter), catalog, fleet);
  }
  auto watch = std::make_unique<ObjectWatch>(std::move(*filter), fleet, std::move(wake));
  if (auto started = watch->Start(catalog, request.from_generation()); !started) {
    return tl::unexpected(started.error());
  }
  return watch;
}

}  // namespace sluice::controlplane
