// Remembers what a following tells. Thread-safe.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/store/store.h"

namespace sluice::test {

class Follower {
 public:
  // Must not outlive the follower.
  controlplane::Store::Sink Sink() {
    return [this](Result<std::vector<controlplane::StoreCommit>> news) {
      const std::lock_guard lock(mutex_);
      if (!news) {
        errors_.push_back(news.error());
        return;
      }
      if (news->empty()) ++recoveries_;
      for (auto& commit : *news) commits_.push_back(std::move(commit));
    };
  }

  std::vector<controlplane::StoreCommit> Commits() const {
    const std::lock_guard lock(mutex_);
    return commits_;
  }
  std::vector<std::int64_t> Generations() const {
    std::vector<std::int64_t> generations;
    for (const auto& commit : Commits()) generations.push_back(commit.generation);
    return generations;
  }
  std::vector<Error> Errors() const {
    const std::lock_guard lock(mutex_);
    return errors_;
  }
  // Empty batches.
  int Recoveries() const {
    const std::lock_guard lock(mutex_);
    return recoveries_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<controlplane::StoreCommit> commits_;
  std::vector<Error> errors_;
  int recoveries_ = 0;
};

}  // namespace sluice::test
