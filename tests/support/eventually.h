// Waiting for a condition instead of for time.
#pragma once

#include <chrono>
#include <functional>

namespace sluice::test {

// Generous: a test that passes never waits for it, and sanitizers on a busy machine are slow.
inline constexpr std::chrono::seconds kPatience{30};

// Asks until it holds (true) or the deadline has passed (false).
bool Eventually(const std::function<bool()>& condition,
                std::chrono::milliseconds deadline = kPatience);

}  // namespace sluice::test
