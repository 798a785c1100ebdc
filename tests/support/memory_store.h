// The contract of controlplane/store/store.h in memory, with failures on demand. Takes anything it
// is given, invalid objects included. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "controlplane/store/store.h"

namespace sluice::test {

class MemoryStore final : public controlplane::Store {
 public:
  void FailNextCommit(Error error) {
    const std::lock_guard lock(mutex_);
    failures_.push_back(std::move(error));
  }
  // What EarlierForms answers, newest first.
  void SetEarlierForms(const model::ResourceKey& key, std::vector<model::Resource> forms) {
    const std::lock_guard lock(mutex_);
    earlier_[key] = std::move(forms);
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

  Result<std::vector<model::Resource>> EarlierForms(const model::ResourceKey& key) override {
    const std::lock_guard lock(mutex_);
    const auto found = earlier_.find(key);
    return found == earlier_.end() ? std::vector<model::Resource>() : found->second;
  }

 private:
  std::mutex mutex_;
  std::vector<controlplane::StoreCommit> commits_;
  model::ResourceSet set_;
  std::map<model::ResourceKey, std::vector<model::Resource>> earlier_;
  std::vector<Error> failures_;
};

}  // namespace sluice::test
