#include "controlplane/store/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace sluice::controlplane {
namespace {

// The subscriptions and whose turn it is. Lives as long as the catalog or any handle does.
class Subscriptions : public std::enable_shared_from_this<Subscriptions> {
 public:
  // The caller holds whatever makes "from here on" well-defined.
  std::shared_ptr<void> Add(Catalog::Subscriber subscriber) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t id = next_id_++;
    subscribers_.emplace(id, std::make_shared<const Catalog::Subscriber>(std::move(subscriber)));
    return std::shared_ptr<void>(nullptr,
                                 [self = shared_from_this(), id](void*) { self->Remove(id); });
  }

  std::vector<std::uint64_t> Ids() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::uint64_t> ids;
    for (const auto& [id, subscriber] : subscribers_) ids.push_back(id);
    return ids;
  }

  // Calls those of `ids` that are still subscribed. One thread at a time.
  void Deliver(const std::vector<std::uint64_t>& ids, const CatalogChange& change) {
    for (const std::uint64_t id : ids) {
      std::shared_ptr<const Catalog::Subscriber> subscriber;
      {
        const std::lock_guard lock(mutex_);
        const auto found = subscribers_.find(id);
        if (found == subscribers_.end()) continue;
        subscriber = found->second;
        running_ = id;
        running_on_ = std::this_thread::get_id();
      }
      (*subscriber)(change);
      {
        const std::lock_guard lock(mutex_);
        running_ = 0;
      }
      returned_.notify_all();
    }
  }

 private:
  // Returns when the subscriber is not running and never will again, unless it is what removes
  // itself.
  void Remove(std::uint64_t id) {
    std::unique_lock lock(mutex_);
    subscribers_.erase(id);
    returned_.wait(lock,
                   [&] { return running_ != id || running_on_ == std::this_thread::get_id(); });
  }

  mutable std::mutex mutex_;
  std::condition_variable returned_;
  std::map<std::uint64_t, std::shared_ptr<const Catalog::Subscriber>> subscribers_;
  std::uint64_t next_id_ = 1;
  std::uint64_t running_ = 0;  // 0: none.
  std::thread::id running_on_;
};

class StoreCatalog final : public Catalog {
 public:
  StoreCatalog(Store& store, std::shared_ptr<const CatalogState> state)
      : store_(store), state_(std::move(state)) {}

  std::shared_ptr<const CatalogState> Current() const override {
    const std::lock_guard lock(mutex_);
    return state_;
  }

  Result<std::shared_ptr<const CatalogState>> Commit(std::int64_t based_on,
                                                     std::vector<model::Change> changes) override {
    const Turn turn(*this);
    const auto before = Current();
    if (before->generation != based_on) {
      return Fail(ErrorCode::kConflict, fmt::format("generation {} is current, not {} any more",
                                                    before->generation, based_on));
    }
    for (model::Change& change : changes) {
      const model::Resource* was = before->resources.Find(change.key);
      change.before = was == nullptr ? nullptr : std::make_shared<const model::Resource>(*was);
    }
    auto generation = store_.Commit(based_on, changes);
    if (!generation) return tl::unexpected(generation.error());

    const auto after = std::make_shared<const CatalogState>(
        CatalogState{*generation, before->resources.With(changes)});
    std::vector<std::uint64_t> subscribers;
    {
      const std::lock_guard lock(mutex_);
      state_ = after;
      subscribers = subscriptions_->Ids();
    }
    subscriptions_->Deliver(subscribers, CatalogChange{after, std::move(changes)});
    return after;
  }

  Result<std::vector<StoreCommit>> CommitsAfter(std::int64_t from) const override {
    return store_.CommitsAfter(from);
  }

  Subscription Subscribe(Subscriber subscriber) override {
    const std::lock_guard lock(mutex_);
    return {state_, subscriptions_->Add(std::move(subscriber))};
  }

 private:
  // Commits go one after another, store and subscribers included, without holding the mutex that
  // readers take.
  class Turn {
   public:
    explicit Turn(StoreCatalog& catalog) : catalog_(catalog) {
      std::unique_lock lock(catalog_.mutex_);
      catalog_.turn_free_.wait(lock, [&] { return !catalog_.committing_; });
      catalog_.committing_ = true;
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      {
        const std::lock_guard lock(catalog_.mutex_);
        catalog_.committing_ = false;
      }
      catalog_.turn_free_.notify_one();
    }

   private:
    StoreCatalog& catalog_;
  };

  Store& store_;
  mutable std::mutex mutex_;
  std::condition_variable turn_free_;
  bool committing_ = false;
  std::shared_ptr<const CatalogState> state_;
  const std::shared_ptr<Subscriptions> subscriptions_ = std::make_shared<Subscriptions>();
};

}  // namespace

Result<std::unique_ptr<Catalog>> Catalog::Load(Store& store) {
  auto stored = store.Read();
  if (!stored) return tl::unexpected(stored.error());
  std::vector<model::Change> changes;
  changes.reserve(stored->resources.size());
  for (model::Resource& resource : stored->resources) {
    changes.push_back({resource.key(), std::make_shared<const model::Resource>(resource)});
  }
  const auto state = std::make_shared<const CatalogState>(
      CatalogState{stored->generation, model::ResourceSet().With(changes)});
  return std::make_unique<StoreCatalog>(store, state);
}

}  // namespace sluice::controlplane
