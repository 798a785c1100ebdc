// What a connection sends: the verdict does not depend on how it is cut up, and what it leaves
// unfinished is given back.
#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>

#include "common/base/check.h"
#include "controlplane/server/frame_guard.h"

using namespace sluice::controlplane;

namespace {

constexpr FrameBounds kBounds{.header_block_bytes = 300,
                              .header_block_frames = 3,
                              .resets = {3, 0},
                              .calls = {10, 0},
                              .idle_frames = {5, 0},
                              .unfinished_calls = 4,
                              .unfinished_call_bytes = 100};

std::optional<std::string_view> VerdictOf(std::string_view bytes, std::size_t piece) {
  const auto peer = std::make_shared<FrameBudget>(kBounds);
  std::optional<std::string_view> verdict;
  {
    FrameGuard guard(kBounds, {peer});
    for (; !bytes.empty() && !verdict; bytes.remove_prefix(std::min(piece, bytes.size()))) {
      verdict = guard.Take(bytes.substr(0, piece), {});
    }
  }
  SLUICE_CHECK(peer->Begin(kBounds.unfinished_calls, kBounds.unfinished_call_bytes));
  return verdict;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto whole = VerdictOf(bytes, std::string_view::npos);
  SLUICE_CHECK(VerdictOf(bytes, 1) == whole);
  SLUICE_CHECK(VerdictOf(bytes, data[0] + 1U) == whole);
  return 0;
}
