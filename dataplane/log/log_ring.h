// Records on their way from one worker to the writer thread: a ring of bytes with one producer and
// one consumer, no lock and no allocation. Push(): the producer's thread. Drain(): the consumer's.
//
// When the ring is empty and far from its start the producer begins at the start again, so that a
// ring that never fills touches little of its memory.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

namespace sluice::dataplane {

class LogSink;

class LogRing {
 public:
  // `bytes` is a power of two.
  explicit LogRing(std::size_t bytes);

  // False: no room.
  bool Push(LogSink* sink, std::string_view line);

  // Hands out what was pushed before the call, in order. The view is valid during the call.
  void Drain(const std::function<void(LogSink&, std::string_view)>& take);

  bool empty() const { return tail_.load() == head_.load(std::memory_order_relaxed); }

 private:
  struct Header {
    LogSink* sink;  // Null: nothing but room that was skipped.
    std::uint64_t length;
  };

  void WriteHeader(std::uint64_t position, const Header& header);

  const std::size_t bytes_;
  const std::unique_ptr<char[]> memory_;
  // Positions only grow; modulo bytes_ they are places. Each on a cache line of its own.
  alignas(64) std::atomic<std::uint64_t> tail_{0};  // The producer's.
  std::uint64_t head_seen_ = 0;                     // The producer's last look at head_.
  alignas(64) std::atomic<std::uint64_t> head_{0};  // The consumer's.
};

}  // namespace sluice::dataplane
