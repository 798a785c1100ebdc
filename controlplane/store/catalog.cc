#include "controlplane/store/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <thread>
#include <utility>

#include "common/base/mutex.h"
#include "common/log/event_log.h"

namespace sluice::controlplane {
namespace {

// The subscriptions and whose turn it is. Lives as long as the catalog or any handle does.
class Subscriptions : public std::enable_shared_from_this<Subscriptions> {
 public:
  // The caller holds whatever makes "from here on" well-defined.
  std::shared_ptr<void> Add(Catalog::Subscriber subscriber) {
    const MutexLock lock(mutex_);
    const std::uint64_t id = next_id_++;
    subscribers_.emplace(id, std::make_shared<const Catalog::Subscriber>(std::move(subscriber)));
    return std::shared_ptr<void>(nullptr,
                                 [self = shared_from_this(), id](void*) { self->Remove(id); });
  }

  std::vector<std::uint64_t> Ids() const {
    const MutexLock lock(mutex_);
    std::vector<std::uint64_t> ids;
    for (const auto& [id, subscriber] : subscribers_) ids.push_back(id);
    return ids;
  }

  // Calls those of `ids` that are still subscribed. One thread at a time.
  void Deliver(const std::vector<std::uint64_t>& ids, const CatalogChange& change) {
    for (const std::uint64_t id : ids) {
      std::shared_ptr<const Catalog::Subscriber> subscriber;
      {
        const MutexLock lock(mutex_);
        const auto found = subscribers_.find(id);
        if (found == subscribers_.end()) continue;
        subscriber = found->second;
        running_ = id;
        running_on_ = std::this_thread::get_id();
      }
      (*subscriber)(change);
      {
        const MutexLock lock(mutex_);
        running_ = 0;
      }
      returned_.NotifyAll();
    }
  }

 private:
  // Returns when the subscriber is not running and never will again, unless it is what removes
  // itself.
  void Remove(std::uint64_t id) {
    const MutexLock lock(mutex_);
    subscribers_.erase(id);
    while (running_ == id && running_on_ != std::this_thread::get_id()) returned_.Wait(mutex_);
  }

  mutable Mutex mutex_;
  ConditionVariable returned_;
  std::map<std::uint64_t, std::shared_ptr<const Catalog::Subscriber>> subscribers_
      ABSL_GUARDED_BY(mutex_);
  std::uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  std::uint64_t running_ ABSL_GUARDED_BY(mutex_) = 0;  // 0: none.
  std::thread::id running_on_ ABSL_GUARDED_BY(mutex_);
};

// What makes `stored` of `known`. An object is the same when its bytes are; that some bytes may
// have another order and mean the same costs a change without effect.
std::vector<model::Change> Differences(const model::ResourceSet& known,
                                       std::vector<model::Resource> stored) {
  std::vector<model::Change> changes;
  std::set<model::ResourceKey> present;
  for (model::Resource& resource : stored) {
    present.insert(resource.key());
    const model::Resource* was = known.Find(resource.key());
    if (was != nullptr &&
        was->message().SerializeAsString() == resource.message().SerializeAsString()) {
      continue;
    }
    const model::ResourceKey key = resource.key();
    changes.push_back({key, std::make_shared<const model::Resource>(std::move(resource))});
  }
  known.ForEach([&](const model::Resource& resource) {
    if (!present.contains(resource.key())) changes.push_back({resource.key(), nullptr});
  });
  return changes;
}

class StoreCatalog final : public Catalog {
 public:
  StoreCatalog(Store& store, std::shared_ptr<const CatalogState> state)
      : store_(store), state_(std::move(state)) {
    const Turn turn(turns_);  // What is told right away waits until there is a following.
    following_ = store_.Follow(state_->generation, [this](auto news) { OnNews(std::move(news)); });
  }

  std::shared_ptr<const CatalogState> Current() const override {
    const MutexLock lock(mutex_);
    return state_;
  }

  Result<std::shared_ptr<const CatalogState>> Commit(std::int64_t based_on,
                                                     std::vector<model::Change> changes) override {
    const Turn turn(turns_);
    if (const auto newest = Current()->generation; newest != based_on) {
      return Fail(ErrorCode::kConflict,
                  fmt::format("generation {} is current, not {} any more", newest, based_on));
    }
    auto generation = store_.Commit(based_on, changes);
    if (generation) {
      following_->Passed(*generation);
      return Apply(*generation, std::move(changes));
    }
    if (generation.error().code == ErrorCode::kConflict) {
      if (auto caught_up = CatchUp(); !caught_up) {
        return Fail(caught_up.error().code,
                    caught_up.error().message + "; the change was not stored");
      }
    }
    return tl::unexpected(generation.error());
  }

  Result<std::vector<StoreCommit>> CommitsAfter(std::int64_t from) const override {
    return store_.CommitsAfter(from);
  }

  Subscription Subscribe(Subscriber subscriber) override {
    const MutexLock lock(mutex_);
    return {state_, subscriptions_->Add(std::move(subscriber))};
  }

 private:
  // Generations go one after another, store and subscribers included, without holding the mutex
  // that readers take.
  class ABSL_LOCKABLE Turns {
   public:
    void Take() ABSL_EXCLUSIVE_LOCK_FUNCTION() {
      const MutexLock lock(mutex_);
      while (taken_) free_.Wait(mutex_);
      taken_ = true;
    }
    void Give() ABSL_UNLOCK_FUNCTION() {
      {
        const MutexLock lock(mutex_);
        taken_ = false;
      }
      free_.NotifyOne();
    }

   private:
    Mutex mutex_;
    ConditionVariable free_;
    bool taken_ ABSL_GUARDED_BY(mutex_) = false;
  };
  class ABSL_SCOPED_LOCKABLE Turn {
   public:
    explicit Turn(Turns& turns) ABSL_EXCLUSIVE_LOCK_FUNCTION(turns) : turns_(turns) {
      turns_.Take();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() ABSL_UNLOCK_FUNCTION() { turns_.Give(); }

   private:
    Turns& turns_;
  };

  // On the store's thread.
  void OnNews(Result<std::vector<StoreCommit>> news) {
    const Turn turn(turns_);
    Result<void> followed;
    if (news) {
      ApplyAll(std::move(*news));
    } else if (news.error().code == ErrorCode::kOutOfRange) {
      followed = ReadAgain();
    } else {
      followed = tl::unexpected(news.error());
    }
    if (followed.has_value() == following_works_) return;
    following_works_ = followed.has_value();
    if (followed) {
      LogEvent(LogLevel::kInfo, "store_followed_again", {{"generation", Current()->generation}});
    } else {
      LogEvent(LogLevel::kError, "store_not_followed",
               {{"generation", Current()->generation}, {"reason", followed.error().message}});
    }
  }

  // Until the state is newer than it was when the store had a newer one.
  Result<void> CatchUp() ABSL_EXCLUSIVE_LOCKS_REQUIRED(turns_) {
    auto commits = store_.CommitsAfter(Current()->generation);
    if (commits) {
      ApplyAll(std::move(*commits));
      return {};
    }
    if (commits.error().code == ErrorCode::kOutOfRange) return ReadAgain();
    return tl::unexpected(commits.error());
  }

  // What was committed here, or read already, is told again and left out.
  void ApplyAll(std::vector<StoreCommit> commits) ABSL_EXCLUSIVE_LOCKS_REQUIRED(turns_) {
    for (StoreCommit& commit : commits) {
      if (commit.generation <= Current()->generation) continue;
      Apply(commit.generation, std::move(commit.changes));
      following_->Passed(commit.generation);
    }
  }

  // Takes the store as it is, as one change.
  Result<void> ReadAgain() ABSL_EXCLUSIVE_LOCKS_REQUIRED(turns_) {
    auto stored = store_.Read();
    if (!stored) return tl::unexpected(stored.error());
    const auto before = Current();
    if (stored->generation < before->generation) {
      return Fail(ErrorCode::kFailedPrecondition,
                  fmt::format("the store is at generation {} and was at {} before: it was put back "
                              "while this control plane ran; restart the control plane",
                              stored->generation, before->generation));
    }
    if (stored->generation > before->generation) {
      Apply(stored->generation, Differences(before->resources, std::move(stored->resources)));
    }
    following_->Passed(stored->generation);
    return {};
  }

  std::shared_ptr<const CatalogState> Apply(std::int64_t generation,
                                            std::vector<model::Change> changes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(turns_) {
    const auto before = Current();
    for (model::Change& change : changes) {
      const model::Resource* was = before->resources.Find(change.key);
      change.before = was == nullptr ? nullptr : std::make_shared<const model::Resource>(*was);
    }
    auto after = std::make_shared<const CatalogState>(
        CatalogState{generation, before->resources.With(changes)});
    std::vector<std::uint64_t> subscribers;
    {
      const MutexLock lock(mutex_);
      state_ = after;
      subscribers = subscriptions_->Ids();
    }
    subscriptions_->Deliver(subscribers, CatalogChange{after, std::move(changes)});
    return after;
  }

  Store& store_;
  Turns turns_;
  mutable Mutex mutex_;
  std::shared_ptr<const CatalogState> state_ ABSL_GUARDED_BY(mutex_);
  const std::shared_ptr<Subscriptions> subscriptions_ = std::make_shared<Subscriptions>();
  bool following_works_ ABSL_GUARDED_BY(turns_) = true;
  // Last: it ends before what its thread uses.
  std::unique_ptr<Store::Following> following_ ABSL_GUARDED_BY(turns_);
};

}  // namespace

Result<std::unique_ptr<Catalog>> Catalog::Load(Store& store) {
  auto stored = store.Read();
  if (!stored) return tl::unexpected(stored.error());
  const model::ResourceSet nothing;
  const auto state = std::make_shared<const CatalogState>(CatalogState{
      stored->generation, nothing.With(Differences(nothing, std::move(stored->resources)))});
  return std::make_unique<StoreCatalog>(store, state);
}

}  // namespace sluice::controlplane
