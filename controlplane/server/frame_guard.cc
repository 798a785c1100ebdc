#include "controlplane/server/frame_guard.h"

#include <algorithm>
#include <utility>

namespace sluice::controlplane {
namespace {

using Verdict = std::optional<std::string_view>;

constexpr std::size_t kPrefaceBytes = 24;

// Types and flags of frames: RFC 9113, 6.
enum : std::uint8_t { kData = 0, kHeaders = 1, kRstStream = 3, kContinuation = 9 };
constexpr std::uint8_t kEndStream = 1;

constexpr std::string_view kTooManyResets = "it begins calls and resets them, too many";
constexpr std::string_view kTooManyCalls = "too many calls";
constexpr std::string_view kTooManyIdleFrames = "too many frames that carry nothing";
constexpr std::string_view kLongHeaders = "the headers of a call are too long";
constexpr std::string_view kUnfinished = "too many calls, or too much of them, are not finished";

}  // namespace

FrameBudget::FrameBudget(const FrameBounds& bounds)
    : bounds_(bounds),
      buckets_{TokenBucket(bounds.resets), TokenBucket(bounds.calls),
               TokenBucket(bounds.idle_frames)} {}

bool FrameBudget::Spend(Spending what, MonotonicTime now) {
  const MutexLock lock(mutex_);
  return buckets_[static_cast<std::size_t>(what)].Take(now);
}

bool FrameBudget::Begin(std::size_t calls, std::size_t bytes) {
  const MutexLock lock(mutex_);
  if (calls > bounds_.unfinished_calls - calls_ || bytes > bounds_.unfinished_call_bytes - bytes_) {
    return false;
  }
  calls_ += calls;
  bytes_ += bytes;
  return true;
}

void FrameBudget::Finish(std::size_t calls, std::size_t bytes) {
  const MutexLock lock(mutex_);
  calls_ -= calls;
  bytes_ -= bytes;
}

FrameGuard::FrameGuard(const FrameBounds& of_connection,
                       std::vector<std::shared_ptr<FrameBudget>> shared)
    : bounds_(of_connection), budgets_(std::move(shared)), skip_(kPrefaceBytes) {
  budgets_.insert(budgets_.begin(), std::make_shared<FrameBudget>(of_connection));
}

FrameGuard::~FrameGuard() {
  while (!unfinished_.empty()) Finish(unfinished_.begin()->first);
}

Verdict FrameGuard::Take(std::string_view bytes, MonotonicTime now) {
  Verdict first;
  while (!bytes.empty()) {
    if (skip_ > 0) {
      const std::size_t skipped = std::min(skip_, bytes.size());
      skip_ -= skipped;
      bytes.remove_prefix(skipped);
      continue;
    }
    header_[header_bytes_++] = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    if (header_bytes_ < header_.size()) continue;
    header_bytes_ = 0;
    const Verdict verdict = OnFrame(now);
    if (!first) first = verdict;
  }
  return first;
}

Verdict FrameGuard::OnFrame(MonotonicTime now) {
  const std::size_t length = std::size_t{header_[0]} << 16 | header_[1] << 8 | header_[2];
  skip_ = length;
  switch (header_[3]) {
    case kHeaders:
      return OnHeaders(length, now);
    case kContinuation:
      return GrowBlock(length);
    case kData:
      return OnData(length, now);
    case kRstStream:
      if (!Spend(FrameBudget::Spending::kReset, now)) return kTooManyResets;
      Finish(Stream());
      return std::nullopt;
    default:
      if (!Spend(FrameBudget::Spending::kIdleFrame, now)) return kTooManyIdleFrames;
      return std::nullopt;
  }
}

Verdict FrameGuard::OnHeaders(std::size_t length, MonotonicTime now) {
  if (!Spend(FrameBudget::Spending::kCall, now)) return kTooManyCalls;
  block_bytes_ = 0;
  block_frames_ = 0;
  if (const Verdict verdict = GrowBlock(length)) return verdict;
  if (ends_stream()) {
    Finish(Stream());
    return std::nullopt;
  }
  if (!unfinished_.contains(Stream())) {
    if (!Begin(1, 0)) return kUnfinished;
    unfinished_.emplace(Stream(), 0);
  }
  return std::nullopt;
}

Verdict FrameGuard::GrowBlock(std::size_t length) {
  block_bytes_ += length;
  ++block_frames_;
  if (block_bytes_ > bounds_.header_block_bytes || block_frames_ > bounds_.header_block_frames) {
    return kLongHeaders;
  }
  return std::nullopt;
}

Verdict FrameGuard::OnData(std::size_t length, MonotonicTime now) {
  if (length == 0 && !ends_stream() && !Spend(FrameBudget::Spending::kIdleFrame, now)) {
    return kTooManyIdleFrames;
  }
  if (ends_stream()) {
    Finish(Stream());
    return std::nullopt;
  }
  const auto call = unfinished_.find(Stream());
  if (call == unfinished_.end()) return std::nullopt;  // gRPC knows what to do with it.
  if (!Begin(0, length)) return kUnfinished;
  call->second += length;
  return std::nullopt;
}

bool FrameGuard::Spend(FrameBudget::Spending what, MonotonicTime now) {
  return std::ranges::all_of(budgets_,
                             [&](const auto& budget) { return budget->Spend(what, now); });
}

bool FrameGuard::Begin(std::size_t calls, std::size_t bytes) {
  for (std::size_t i = 0; i < budgets_.size(); ++i) {
    if (budgets_[i]->Begin(calls, bytes)) continue;
    while (i > 0) budgets_[--i]->Finish(calls, bytes);
    return false;
  }
  return true;
}

void FrameGuard::Finish(std::uint32_t stream) {
  const auto call = unfinished_.find(stream);
  if (call == unfinished_.end()) return;
  for (const auto& budget : budgets_) budget->Finish(1, call->second);
  unfinished_.erase(call);
}

std::uint32_t FrameGuard::Stream() const {
  return (std::uint32_t{header_[5]} << 24 | std::uint32_t{header_[6]} << 16 |
          std::uint32_t{header_[7]} << 8 | header_[8]) &
         0x7FFF'FFFF;
}

bool FrameGuard::ends_stream() const { return (header_[4] & kEndStream) != 0; }

}  // namespace sluice::controlplane
