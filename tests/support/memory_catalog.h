// A catalog that keeps everything in memory and takes anything it is given, invalid objects
// included. For tests of what reads it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/model/resource.h"
#include "controlplane/store/catalog.h"

namespace sluice::test {

class MemoryCatalog final : public controlplane::Catalog {
 public:
  explicit MemoryCatalog(std::int64_t generation = 0);

  // One generation.
  std::int64_t Apply(const std::vector<model::Resource>& resources);
  std::int64_t Delete(const std::vector<model::ResourceKey>& keys);

  std::shared_ptr<const controlplane::CatalogState> Current() const override;
  Result<std::shared_ptr<const controlplane::CatalogState>> Commit(
      std::int64_t based_on, std::vector<model::Change> changes) override;
  Result<std::vector<controlplane::StoreCommit>> CommitsAfter(std::int64_t from) const override;
  Subscription Subscribe(Subscriber subscriber) override;

 private:
  std::int64_t CommitAll(std::vector<model::Change> changes);

  std::mutex commit_mutex_;  // Held while subscribers are told.
  mutable std::mutex mutex_;
  std::shared_ptr<const controlplane::CatalogState> current_;
  std::map<std::uint64_t, Subscriber> subscribers_;
  std::uint64_t last_subscriber_ = 0;
};

}  // namespace sluice::test
