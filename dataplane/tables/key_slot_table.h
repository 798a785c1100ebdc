// How many sessions are open for each value of one key, all workers together, without a lock:
// limits.perKey. Kept beyond one config by its identity, listener name and key text, so that a
// changed limit goes on counting.
//
// A value is known by a 60-bit keyed hash (SipHash under a secret of this table), never by its
// bytes: a slot is one 64-bit word {47 bits of hash, inserting bit, 16-bit count} and 13 more bits
// choose its bucket. Clients cannot make two values fall together, and among limits::kLimitKeys
// values it happens by chance with probability below 2^-28; those two would then share a count.
//
// A value may sit in either of two buckets. Uniqueness: whoever inserts first writes a word marked
// "inserting" that only its own thread can complete, then looks through both buckets for the same
// value. It withdraws before a finished word and wipes another unfinished one, which makes that
// thread start over. So of two threads that insert one value at most one finishes.
//
// 1 MiB of address space, of which only used pages take memory. Thread-safe; counts are exact.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

#include "dataplane/tables/siphash.h"

namespace sluice::dataplane {

class KeySlotTable {
 public:
  KeySlotTable();
  KeySlotTable(const KeySlotTable&) = delete;
  KeySlotTable& operator=(const KeySlotTable&) = delete;

  enum class Outcome : std::uint8_t { kTaken, kOverLimit, kTableFull };
  struct Taking {
    Outcome outcome;
    std::uint32_t slot;  // For Give(), when taken.
  };

  // Takes one of the `limit` (1-65535) slots of `key`.
  Taking Take(std::string_view key, std::uint32_t limit);
  // Exactly once for every slot taken.
  void Give(std::uint32_t slot);

  // Values that have a slot taken now. limits::kLimitKeys at most.
  std::uint32_t keys() const { return keys_.load(std::memory_order_relaxed); }

 private:
  struct Place;
  struct Free {
    void operator()(std::uint64_t* words) const;
  };

  std::atomic_ref<std::uint64_t> Word(std::uint32_t slot) const {
    return std::atomic_ref<std::uint64_t>(words_[slot]);
  }
  Place PlaceOf(std::string_view key) const;
  Taking TakeOnce(const Place& place, std::uint32_t limit, bool& again);
  bool Insert(const Place& place, std::uint32_t slot);
  bool IsTheOnly(const Place& place, std::uint32_t slot);

  const SipKey secret_;
  const std::unique_ptr<std::uint64_t[], Free> words_;
  std::atomic<std::uint32_t> keys_{0};
};

}  // namespace sluice::dataplane
