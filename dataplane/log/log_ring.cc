#include "dataplane/log/log_ring.h"

#include <bit>
#include <cstring>

#include "common/base/check.h"

namespace sluice::dataplane {
namespace {

// Records begin at multiples of a header, so a header never wraps around.
constexpr std::uint64_t kAlignment = 16;
constexpr std::uint64_t kStartOverBeyond = 256 * 1024;

constexpr std::uint64_t Padded(std::uint64_t bytes) {
  return (bytes + kAlignment - 1) & ~(kAlignment - 1);
}

}  // namespace

LogRing::LogRing(std::size_t bytes)
    : bytes_(bytes), memory_(std::make_unique_for_overwrite<char[]>(bytes)) {
  static_assert(sizeof(Header) == kAlignment);
  SLUICE_CHECK(std::has_single_bit(bytes) && bytes >= 2 * kAlignment);
}

void LogRing::WriteHeader(std::uint64_t position, const Header& header) {
  std::memcpy(&memory_[position & (bytes_ - 1)], &header, sizeof(header));
}

bool LogRing::Push(LogSink* sink, std::string_view line) {
  std::uint64_t tail = tail_.load(std::memory_order_relaxed);
  const std::uint64_t size = sizeof(Header) + Padded(line.size());
  const std::uint64_t place = tail & (bytes_ - 1);
  const std::uint64_t to_end = bytes_ - place;
  // A record stands in one piece: what is left at the end may have to be skipped.
  std::uint64_t skip = size > to_end ? to_end : 0;
  if (place > kStartOverBeyond || tail + skip + size - head_seen_ > bytes_) {
    head_seen_ = head_.load(std::memory_order_acquire);
    if (place > kStartOverBeyond && head_seen_ == tail) skip = to_end;
    if (tail + skip + size - head_seen_ > bytes_) return false;
  }
  if (skip != 0) {
    WriteHeader(tail, {nullptr, skip - sizeof(Header)});
    tail += skip;
  }
  WriteHeader(tail, {sink, line.size()});
  std::memcpy(&memory_[(tail & (bytes_ - 1)) + sizeof(Header)], line.data(), line.size());
  // Sequentially consistent, as the writer's announcement that it goes to sleep: one of the two
  // sees the other.
  tail_.store(tail + size);
  return true;
}

void LogRing::Drain(const std::function<void(LogSink&, std::string_view)>& take) {
  std::uint64_t head = head_.load(std::memory_order_relaxed);
  const std::uint64_t tail = tail_.load();
  while (head != tail) {
    const char* at = &memory_[head & (bytes_ - 1)];
    Header header;
    std::memcpy(&header, at, sizeof(header));
    if (header.sink != nullptr) {
      take(*header.sink, {at + sizeof(header), static_cast<std::size_t>(header.length)});
    }
    head += sizeof(header) + Padded(header.length);
    // At once, so that the producer finds the room while the rest is still drained.
    head_.store(head, std::memory_order_release);
  }
}

}  // namespace sluice::dataplane
