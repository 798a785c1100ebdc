// The contract of controlplane/store/store.h in memory, with failures on demand. Takes anything it
// is given, invalid objects included. Several catalogs may use one. Thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "controlplane/store/polled_following.h"
#include "controlplane/store/store.h"

namespace sluice::test {

class MemoryStore final : public controlplane::Store {
 public:
  // `step` lies between two generations: 1 in a store that counts its own commits, more in one that
  // counts other things too.
  explicit MemoryStore(std::int64_t step = 1) : step_(step) {}

  void FailNextCommit(Error error) {
    const std::lock_guard lock(mutex_);
    failures_.push_back(std::move(error));
  }
  // Reads (state, commits, following) fail until told otherwise.
  void FailReads(std::optional<Error> error) {
    const std::lock_guard lock(mutex_);
    read_failure_ = std::move(error);
  }
  // What EarlierForms answers, newest first.
  void SetEarlierForms(const model::ResourceKey& key, std::vector<model::Resource> forms) {
    const std::lock_guard lock(mutex_);
    earlier_[key] = std::move(forms);
  }
  // As a store that has trimmed its history.
  void ForgetHistory() {
    const std::lock_guard lock(mutex_);
    history_after_ = generation_;
    commits_.clear();
  }
  // As a store whose file somebody replaced by an empty one.
  void PutBackToNothing() {
    const std::lock_guard lock(mutex_);
    generation_ = history_after_ = 0;
    commits_.clear();
    set_ = {};
  }
  // The next commit is beaten by one of `changes`, as another process would.
  void BeatNextCommit(std::vector<model::Change> changes) {
    const std::lock_guard lock(mutex_);
    beaten_by_.push_back(std::move(changes));
  }

  Result<controlplane::StoreState> Read() override {
    const std::lock_guard lock(mutex_);
    if (read_failure_) return tl::unexpected(*read_failure_);
    controlplane::StoreState state;
    state.generation = generation_;
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
    if (!beaten_by_.empty()) {
      Keep(std::move(beaten_by_.back()));
      beaten_by_.pop_back();
    }
    if (based_on != generation_) return Fail(ErrorCode::kConflict, "moved on");
    Keep(changes);
    return generation_;
  }

  Result<std::vector<controlplane::StoreCommit>> CommitsAfter(std::int64_t from) override {
    const std::lock_guard lock(mutex_);
    if (read_failure_) return tl::unexpected(*read_failure_);
    if (from > generation_) return Fail(ErrorCode::kOutOfRange, "not made yet");
    if (from < history_after_) return Fail(ErrorCode::kOutOfRange, "no longer kept");
    std::vector<controlplane::StoreCommit> after;
    std::copy_if(commits_.begin(), commits_.end(), std::back_inserter(after),
                 [&](const auto& commit) { return commit.generation > from; });
    return after;
  }

  Result<std::vector<model::Resource>> EarlierForms(const model::ResourceKey& key) override {
    const std::lock_guard lock(mutex_);
    const auto found = earlier_.find(key);
    return found == earlier_.end() ? std::vector<model::Resource>() : found->second;
  }

  std::unique_ptr<Following> Follow(std::int64_t from, Sink sink) override {
    const auto newest = [this]() -> Result<std::int64_t> {
      const std::lock_guard lock(mutex_);
      if (read_failure_) return tl::unexpected(*read_failure_);
      return generation_;
    };
    return controlplane::FollowByPolling(
        {.newest = newest, .commits_after = [this](auto after) { return CommitsAfter(after); }},
        from, std::move(sink));
  }

 private:
  // With the mutex held.
  void Keep(std::vector<model::Change> changes) {
    for (model::Change& change : changes) {
      const model::Resource* was = set_.Find(change.key);
      change.before = was == nullptr ? nullptr : std::make_shared<const model::Resource>(*was);
    }
    set_ = set_.With(changes);
    generation_ += step_;
    commits_.push_back({generation_, std::move(changes)});
  }

  const std::int64_t step_;
  std::mutex mutex_;
  std::int64_t generation_ = 0;
  std::int64_t history_after_ = 0;
  std::vector<controlplane::StoreCommit> commits_;
  model::ResourceSet set_;
  std::map<model::ResourceKey, std::vector<model::Resource>> earlier_;
  std::vector<Error> failures_;
  std::optional<Error> read_failure_;
  std::vector<std::vector<model::Change>> beaten_by_;
};

}  // namespace sluice::test
