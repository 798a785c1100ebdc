// The contract of controlplane/store/store.h in memory, with failures on demand. Thread-safe.
// demand.
#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include "controlplane/store/store.h"

namespace sluice::test {

class FailingStore final : public controlplane::Store {
 public:
  void FailNextCommit(Error error) {
    const std::lock_guard lock(mutex_);
    failures_.push_back(std::move(error));
  }

  Result<controlplane::StoreState> Read() override {
    const std::lock_guard lock(mutex_);
    controlplane::StoreState state;
    state.generation = static_cast<std::int64_t>(commits_.size());
    set_.ForEach([&](const model::Resource& resource) { state.resources.push_back(resource); });
    return state;
  }

  Result<std::int64_t> Commit(std::int64_t based_on,
                              const std::vector<model::Change>& changes) override {
    const std::lock_guard lock(mutex_);
    if (!failures_.empty()) {
      const Error error = failures_.back();
      failures_.pop_back();
      return tl::unexpected(error);
    }
    if (based_on != static_cast<std::int64_t>(commits_.size()))
      return Fail(ErrorCode::kConflict, "moved on");
    commits_.push_back({based_on + 1, changes});
    set_ = set_.With(changes);
    return based_on + 1;
  }

  Result<std::vector<controlplane::StoreCommit>> CommitsAfter(std::int64_t from) override {
    const std::lock_guard lock(mutex_);
    return std::vector<controlplane::StoreCommit>(commits_.begin() + from, commits_.end());
  }

  Result<std::vector<model::Resource>> EarlierForms(const model::ResourceKey&) override {
    return std::vector<model::Resource>();
  }

 private:
  std::mutex mutex_;
  std::vector<controlplane::StoreCommit> commits_;
  model::ResourceSet set_;
  std::vector<Error> failures_;
};

}  // namespace sluice::test
