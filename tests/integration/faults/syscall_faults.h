// Makes one system call of the engine's workers fail, in the test program that links this: its
// functions stand in for those of the C library. Calls of other threads are neither counted nor
// failed.
#pragma once

#include <cstdint>
#include <string>

namespace sluice::test {

class SyscallFaults {
 public:
  // Counts calls from now on. The `fail_at`-th fails (from 1; 0: none does), with one of the errors
  // that such a call can meet: the `variant`-th of them, in turn.
  static void Begin(std::uint64_t fail_at, unsigned variant);
  // Fails nothing more. How many calls there were.
  static std::uint64_t End();
  // `recv: Connection reset by peer`; empty: nothing has failed since Begin().
  static std::string failed();
};

}  // namespace sluice::test
