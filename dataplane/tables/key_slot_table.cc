#include "dataplane/tables/key_slot_table.h"

#include <array>
#include <cstdlib>

#include "common/base/check.h"
#include "common/base/limits.h"

namespace sluice::dataplane {
namespace {

// Half of the places are used at most, and the fuller of two buckets is avoided: with 8 of 16
// taken on average neither is ever full (Azar et al., "Balanced allocations", 1994).
constexpr std::uint32_t kBuckets = 8192;
constexpr std::uint32_t kBucketSlots = 16;
static_assert(kBuckets * kBucketSlots >= 2 * limits::kLimitKeys);

constexpr unsigned kCountBits = 16;
constexpr std::uint64_t kCountMask = (1U << kCountBits) - 1;
constexpr std::uint64_t kInserting = 1U << kCountBits;
constexpr unsigned kTagShift = kCountBits + 1;

// Two threads that insert one value at the same moment may both have to start over. Each round has
// at most as many losers as there are workers; this many rounds in a row do not happen.
constexpr int kRounds = 10'000;

// In the count field of an unfinished word: tells this thread's from any other's.
std::uint64_t ThreadMark() {
  static std::atomic<std::uint64_t> next{0};
  thread_local const std::uint64_t mark = next.fetch_add(1, std::memory_order_relaxed) & kCountMask;
  return mark;
}

}  // namespace

struct KeySlotTable::Place {
  std::uint64_t tag;  // In position. Never 0.
  std::array<std::uint32_t, 2> buckets;

  template <typename Visit>
  void ForEachSlot(Visit visit) const {
    for (const std::uint32_t bucket : buckets) {
      for (std::uint32_t i = 0; i < kBucketSlots; ++i) {
        if (!visit(bucket * kBucketSlots + i)) return;
      }
    }
  }
};

void KeySlotTable::Free::operator()(std::uint64_t* words) const { std::free(words); }

KeySlotTable::KeySlotTable()
    : secret_(RandomSipKey()),
      // calloc gives pages that take no memory until they are written.
      words_(static_cast<std::uint64_t*>(
          std::calloc(std::size_t{kBuckets} * kBucketSlots, sizeof(std::uint64_t)))) {
  SLUICE_CHECK(words_ != nullptr);
}

KeySlotTable::Place KeySlotTable::PlaceOf(std::string_view key) const {
  const std::uint64_t hash = SipHash(secret_, key);
  const std::uint64_t tag = (hash >> kTagShift) == 0 ? 1 : hash >> kTagShift;
  const auto first = static_cast<std::uint32_t>(hash % kBuckets);
  // The second bucket follows from the tag, and is another one than the first.
  const auto step = static_cast<std::uint32_t>((tag * 0x9e3779b97f4a7c15ULL) >> 51) | 1;
  return {tag << kTagShift, {first, (first + step) % kBuckets}};
}

KeySlotTable::Taking KeySlotTable::Take(std::string_view key, std::uint32_t limit) {
  SLUICE_CHECK(limit > 0 && limit <= kCountMask);
  const Place place = PlaceOf(key);
  for (int round = 0; round < kRounds; ++round) {
    bool again = false;
    const Taking taking = TakeOnce(place, limit, again);
    if (!again) return taking;
  }
  return {Outcome::kTableFull, 0};
}

KeySlotTable::Taking KeySlotTable::TakeOnce(const Place& place, std::uint32_t limit, bool& again) {
  Taking taking{Outcome::kTableFull, 0};
  bool found = false;
  std::array<std::uint32_t, 2> used{};
  std::array<std::uint32_t, 2> free_slot{};
  for (std::size_t b = 0; b < place.buckets.size() && !found; ++b) {
    for (std::uint32_t i = 0; i < kBucketSlots; ++i) {
      const std::uint32_t slot = place.buckets[b] * kBucketSlots + i;
      std::uint64_t word = Word(slot).load();
      if (word == 0) {
        free_slot[b] = slot;
        continue;
      }
      ++used[b];
      if ((word >> kCountBits) != (place.tag >> kCountBits)) continue;
      found = true;
      if ((word & kCountMask) >= limit) return {Outcome::kOverLimit, 0};
      // Changed meanwhile: possibly freed, and then everything has to be looked at anew.
      again = !Word(slot).compare_exchange_strong(word, word + 1);
      taking = {Outcome::kTaken, slot};
      break;
    }
  }
  if (found) return taking;

  const std::size_t emptier = used[1] < used[0] ? 1 : 0;
  if (used[emptier] == kBucketSlots) return taking;
  if (keys_.fetch_add(1, std::memory_order_relaxed) >= limits::kLimitKeys) {
    keys_.fetch_sub(1, std::memory_order_relaxed);
    return taking;
  }
  if (!Insert(place, free_slot[emptier])) {
    keys_.fetch_sub(1, std::memory_order_relaxed);
    again = true;
    return taking;
  }
  return {Outcome::kTaken, free_slot[emptier]};
}

bool KeySlotTable::Insert(const Place& place, std::uint32_t slot) {
  const std::uint64_t mine = place.tag | kInserting | ThreadMark();
  std::uint64_t expected = 0;
  if (!Word(slot).compare_exchange_strong(expected, mine)) return false;
  expected = mine;
  const std::uint64_t next = IsTheOnly(place, slot) ? (place.tag | 1) : 0;
  // Fails when another thread has wiped it.
  return Word(slot).compare_exchange_strong(expected, next) && next != 0;
}

// Wipes the unfinished words of other threads for the same value. False when there is a finished
// one.
bool KeySlotTable::IsTheOnly(const Place& place, std::uint32_t own_slot) {
  bool only = true;
  place.ForEachSlot([&](std::uint32_t slot) {
    if (slot == own_slot) return true;
    std::uint64_t word = Word(slot).load();
    while ((word >> kTagShift) == (place.tag >> kTagShift)) {
      if ((word & kInserting) == 0) return only = false;
      if (Word(slot).compare_exchange_strong(word, 0)) break;
    }
    return true;
  });
  return only;
}

void KeySlotTable::Give(std::uint32_t slot) {
  std::uint64_t word = Word(slot).load();
  for (;;) {
    SLUICE_CHECK((word & kInserting) == 0 && (word & kCountMask) > 0);
    const bool last = (word & kCountMask) == 1;
    if (Word(slot).compare_exchange_weak(word, last ? 0 : word - 1)) {
      if (last) keys_.fetch_sub(1, std::memory_order_relaxed);
      return;
    }
  }
}

}  // namespace sluice::dataplane
