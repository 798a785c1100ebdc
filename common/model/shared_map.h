// A sorted map as an immutable value: a copy with a few changes shares almost everything with the
// original. Two levels: a list of chunks of neighbouring entries. Changing one of n entries copies
// n / kChunk pointers and one chunk. Thread-safe as any immutable value.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace sluice::model {

template <typename Key, typename Value>
class SharedMap {
  static constexpr std::size_t kChunk = 128;

 public:
  using Entry = std::pair<Key, Value>;
  using Chunk = std::vector<Entry>;

  const Value* Find(const Key& key) const {
    const auto chunk = ChunkOf(chunks_, key);
    if (chunk == chunks_.end()) return nullptr;
    const auto entry = LowerBound(**chunk, key);
    return entry != (*chunk)->end() && entry->first == key ? &entry->second : nullptr;
  }

  // Calls visit(key, value) in key order from the first key not below `from`, until it answers
  // false.
  template <typename Visit>
  void VisitFrom(const Key& from, const Visit& visit) const {
    auto chunk = ChunkOf(chunks_, from);
    if (chunk == chunks_.end()) return;
    for (auto entry = LowerBound(**chunk, from);;) {
      for (; entry != (*chunk)->end(); ++entry) {
        if (!visit(entry->first, entry->second)) return;
      }
      if (++chunk == chunks_.end()) return;
      entry = (*chunk)->begin();
    }
  }
  template <typename Visit>
  void VisitAll(const Visit& visit) const {
    for (const auto& chunk : chunks_) {
      for (const Entry& entry : *chunk) visit(entry.first, entry.second);
    }
  }

  std::size_t size() const { return size_; }

  // Makes the next value out of this one. Chunks that it has copied once it changes in place.
  class Builder {
   public:
    explicit Builder(const SharedMap& map) : chunks_(map.chunks_), size_(map.size_) {
      own_.resize(chunks_.size());
    }

    void Set(const Key& key, Value value) {
      if (chunks_.empty()) {
        own_.push_back(std::make_shared<Chunk>());
        chunks_.push_back(own_.back());
      }
      // A key beyond the last chunk goes to its end.
      auto at = ChunkOf(chunks_, key);
      if (at == chunks_.end()) --at;
      const auto index = static_cast<std::size_t>(at - chunks_.begin());
      Chunk& chunk = Own(index);
      const auto entry = LowerBound(chunk, key);
      if (entry != chunk.end() && entry->first == key) {
        entry->second = std::move(value);
        return;
      }
      chunk.insert(entry, {key, std::move(value)});
      ++size_;
      if (chunk.size() > kChunk) Split(index);
    }

    void Erase(const Key& key) {
      const auto at = ChunkOf(chunks_, key);
      if (at == chunks_.end()) return;
      const auto found = LowerBound(**at, key);
      if (found == (*at)->end() || found->first != key) return;
      const auto index = static_cast<std::size_t>(at - chunks_.begin());
      const auto offset = found - (*at)->begin();
      Chunk& chunk = Own(index);
      chunk.erase(chunk.begin() + offset);
      --size_;
      if (chunk.empty()) {
        chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(index));
        own_.erase(own_.begin() + static_cast<std::ptrdiff_t>(index));
      }
    }

    SharedMap Build() && {
      SharedMap map;
      map.chunks_ = std::move(chunks_);
      map.size_ = size_;
      return map;
    }

   private:
    Chunk& Own(std::size_t index) {
      if (own_[index] == nullptr) {
        own_[index] = std::make_shared<Chunk>(*chunks_[index]);
        chunks_[index] = own_[index];
      }
      return *own_[index];
    }

    void Split(std::size_t index) {
      Chunk& left = *own_[index];
      const auto middle = left.begin() + static_cast<std::ptrdiff_t>(left.size() / 2);
      auto right = std::make_shared<Chunk>(std::make_move_iterator(middle),
                                           std::make_move_iterator(left.end()));
      left.erase(middle, left.end());
      const auto after = static_cast<std::ptrdiff_t>(index) + 1;
      chunks_.insert(chunks_.begin() + after, right);
      own_.insert(own_.begin() + after, std::move(right));
    }

    std::vector<std::shared_ptr<const Chunk>> chunks_;
    std::vector<std::shared_ptr<Chunk>> own_;  // Parallel to chunks_; nullptr while shared.
    std::size_t size_;
  };

 private:
  // The first chunk whose last key is not below `key`. No chunk is empty.
  template <typename List>
  static auto ChunkOf(List& chunks, const Key& key) {
    return std::lower_bound(chunks.begin(), chunks.end(), key, [](const auto& chunk, const Key& k) {
      return !chunk->empty() && chunk->back().first < k;
    });
  }
  template <typename Entries>
  static auto LowerBound(Entries& entries, const Key& key) {
    return std::lower_bound(entries.begin(), entries.end(), key,
                            [](const Entry& entry, const Key& k) { return entry.first < k; });
  }

  std::vector<std::shared_ptr<const Chunk>> chunks_;
  std::size_t size_ = 0;
};

}  // namespace sluice::model
