#include "tests/support/memory_catalog.h"

#include <utility>

#include "tests/support/sample_resources.h"

namespace sluice::test {

using controlplane::CatalogChange;
using controlplane::CatalogState;

MemoryCatalog::MemoryCatalog(std::int64_t generation)
    : current_(std::make_shared<const CatalogState>(CatalogState{generation, {}})) {}

std::int64_t MemoryCatalog::Apply(const std::vector<model::Resource>& resources) {
  return CommitAll(AsChanges(resources));
}

std::int64_t MemoryCatalog::Delete(const std::vector<model::ResourceKey>& keys) {
  return CommitAll(AsChanges({}, keys));
}

std::int64_t MemoryCatalog::CommitAll(std::vector<model::Change> changes) {
  return (*Commit(Current()->generation, std::move(changes)))->generation;
}

std::shared_ptr<const CatalogState> MemoryCatalog::Current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

Result<std::shared_ptr<const CatalogState>> MemoryCatalog::Commit(
    std::int64_t based_on, std::vector<model::Change> changes) {
  const std::lock_guard committing(commit_mutex_);
  CatalogChange change;
  std::vector<Subscriber> told;
  {
    const std::lock_guard lock(mutex_);
    if (based_on != current_->generation) return Fail(ErrorCode::kConflict, "not the newest");
    change.after = std::make_shared<const CatalogState>(
        CatalogState{based_on + 1, current_->resources.With(changes)});
    change.changes = std::move(changes);
    current_ = change.after;
    for (const auto& [id, subscriber] : subscribers_) told.push_back(subscriber);
  }
  for (const Subscriber& subscriber : told) subscriber(change);
  return change.after;
}

Result<std::vector<controlplane::StoreCommit>> MemoryCatalog::CommitsAfter(
    std::int64_t /*from*/) const {
  return Fail(ErrorCode::kOutOfRange, "no history is kept");
}

controlplane::Catalog::Subscription MemoryCatalog::Subscribe(Subscriber subscriber) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t id = ++last_subscriber_;
  subscribers_.emplace(id, std::move(subscriber));
  return {current_, std::shared_ptr<void>(nullptr, [this, id](void*) {
            const std::lock_guard committing(commit_mutex_);
            const std::lock_guard guard(mutex_);
            subscribers_.erase(id);
          })};
}

}  // namespace sluice::test
