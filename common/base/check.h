// SLUICE_CHECK: an invariant of the program itself, on in every build. Prints the location and
// aborts. Never for input or for what the environment can do.
#pragma once

namespace sluice {

[[noreturn]] void CheckFailed(const char* expression, const char* file, int line);

}  // namespace sluice

#define SLUICE_CHECK(expression) \
  (static_cast<bool>(expression) ? void(0) : ::sluice::CheckFailed(#expression, __FILE__, __LINE__))
