// Configs that are not in force any more but may still be held by sessions: kept so that the one
// who made them destroys them, not a worker. Control thread only.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace sluice::dataplane {

template <typename Config>
class Replaced {
 public:
  void Add(std::shared_ptr<const Config> config) { held_.push_back(std::move(config)); }

  // Destroys those that nobody holds any more, of the ones that are looked at: some at a time and
  // in turn, so that no change waits for all of them.
  void DestroySome() {
    for (std::size_t looks = kLooks + held_.size() / 8; looks > 0 && !held_.empty(); --looks) {
      if (next_ >= held_.size()) next_ = 0;
      if (held_[next_].use_count() > 1) {
        ++next_;
        continue;
      }
      std::swap(held_[next_], held_.back());
      held_.pop_back();
    }
  }
  std::size_t size() const { return held_.size(); }

 private:
  static constexpr std::size_t kLooks = 64;
  std::vector<std::shared_ptr<const Config>> held_;
  std::size_t next_ = 0;
};

}  // namespace sluice::dataplane
