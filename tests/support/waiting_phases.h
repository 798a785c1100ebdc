// Phase handlers that wait, as no handler of the product does yet: one asks for bytes until a
// newline, one waits on a timer. How many of their tasks exist can be counted.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include "dataplane/config/phase_handler.h"

namespace sluice::dataplane::test {

// What the handlers of one test have seen. Thread-safe.
struct Waits {
  std::atomic<int> asked{0};   // How often the newline handler was asked.
  std::atomic<int> tasks{0};   // Timer tasks that exist.
  std::atomic<int> waited{0};  // Timer tasks that have fired.
};

// `timeout`: of the step.
PhaseStep UntilNewline(Waits& waits, std::chrono::milliseconds timeout = std::chrono::seconds(30));
PhaseStep UntilTimer(Waits& waits, std::chrono::milliseconds delay,
                     std::chrono::milliseconds timeout = std::chrono::seconds(30));

}  // namespace sluice::dataplane::test
