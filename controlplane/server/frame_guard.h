// Watches over what one connection sends, as HTTP/2 frames (RFC 9113), and says when that is an
// attack: gRPC 1.51 keeps every call that is begun and reset until it comes round to it, and every
// byte of a header block whose end does not come. Frames are looked at by their 9 bytes of header
// alone; what is in them is gRPC's to read, and so is every mistake that costs nobody else
// anything. A peer's connections share a budget besides their own, so that many of them are no way
// around. Plain decisions: no I/O. One thread at a time; budgets are thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "common/base/monotonic_time.h"
#include "common/base/mutex.h"
#include "controlplane/server/token_bucket.h"

namespace sluice::controlplane {

struct FrameBounds {
  std::size_t header_block_bytes;     // Of one call: HEADERS and all its CONTINUATIONs.
  std::size_t header_block_frames;    // Likewise.
  Allowance resets;                   // RST_STREAM frames.
  Allowance calls;                    // HEADERS frames.
  Allowance idle_frames;              // That move nothing: SETTINGS, PING, empty DATA, …
  std::size_t unfinished_calls;       // Begun, and neither ended nor reset by the client.
  std::size_t unfinished_call_bytes;  // DATA of those; no bound on a port of streams.
};

// What is spent of one FrameBounds. Thread-safe.
class FrameBudget {
 public:
  explicit FrameBudget(const FrameBounds& bounds);

  enum class Spending : std::uint8_t { kReset, kCall, kIdleFrame };
  // False: there is nothing left of it.
  bool Spend(Spending what, MonotonicTime now);
  // Calls and bytes that are unfinished from now on, or no longer. False: over the bound.
  bool Begin(std::size_t calls, std::size_t bytes);
  void Finish(std::size_t calls, std::size_t bytes);

 private:
  const FrameBounds bounds_;
  Mutex mutex_;
  std::array<TokenBucket, 3> buckets_ ABSL_GUARDED_BY(mutex_);
  std::size_t calls_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

class FrameGuard {
 public:
  // `of_connection` is what this one may do, `shared` what it may do together with others: those of
  // its peer, all of the port.
  FrameGuard(const FrameBounds& of_connection, std::vector<std::shared_ptr<FrameBudget>> shared);
  // Gives back what is unfinished.
  ~FrameGuard();
  FrameGuard(const FrameGuard&) = delete;
  FrameGuard& operator=(const FrameGuard&) = delete;

  // The next bytes of the connection, from its very beginning on. What the peer has done first (a
  // literal) when the connection has to end here; nobody must act on these bytes then.
  std::optional<std::string_view> Take(std::string_view bytes, MonotonicTime now);

 private:
  // Of the frame whose header is complete.
  std::uint32_t Stream() const;
  bool ends_stream() const;

  std::optional<std::string_view> OnFrame(MonotonicTime now);
  std::optional<std::string_view> OnHeaders(std::size_t length, MonotonicTime now);
  std::optional<std::string_view> OnData(std::size_t length, MonotonicTime now);
  std::optional<std::string_view> GrowBlock(std::size_t length);
  bool Spend(FrameBudget::Spending what, MonotonicTime now);
  bool Begin(std::size_t calls, std::size_t bytes);
  void Finish(std::uint32_t stream);

  const FrameBounds bounds_;
  std::vector<std::shared_ptr<FrameBudget>> budgets_;  // Its own first.

  std::size_t skip_;  // Bytes of the preface or of a frame's payload still to come.
  std::array<unsigned char, 9> header_;
  std::size_t header_bytes_ = 0;
  std::size_t block_bytes_ = 0;
  std::size_t block_frames_ = 0;
  std::map<std::uint32_t, std::size_t> unfinished_;  // Calls, with their bytes.
};

}  // namespace sluice::controlplane
