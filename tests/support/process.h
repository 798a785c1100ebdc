// A child process with its output in files. Killed with the test, even when the test crashes.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/eventually.h"
#include "tests/support/temp_dir.h"

namespace sluice::test {

struct ProcessOptions {
  std::vector<std::pair<std::string, std::string>> environment = {};  // Added to ours.
  std::string stdin_text = {};
  std::optional<uid_t> user = {};                      // Runs as this user, when we are root.
  std::optional<unsigned long> max_open_files = {};    // The hard limit, and the soft one.
  std::optional<unsigned long> usual_open_files = {};  // The soft one alone.
  std::vector<int> blocked_signals = {};  // And ignored: what a careless parent leaves.
  std::string standard_error = {};        // Where it goes instead; Err() knows nothing of it then.
};

class Process {
 public:
  // Checks that the program could be started.
  explicit Process(const std::vector<std::string>& command, const ProcessOptions& options = {});
  // SIGKILL if it still runs.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  bool Running();
  void Signal(int signal);
  // Exit status as a shell has it (128 + signal); nothing when it still runs at the deadline.
  std::optional<int> Wait(std::chrono::milliseconds deadline = kPatience);

  std::string Out() const { return ReadFile(dir_.File("out")); }
  std::string Err() const { return ReadFile(dir_.File("err")); }

 private:
  TempDir dir_;
  pid_t pid_ = -1;
  std::optional<int> status_;
};

struct ProcessResult {
  int status = -1;  // -1: did not end in time.
  std::string out;
  std::string err;
};
// Runs to its end.
ProcessResult Run(const std::vector<std::string>& command, const ProcessOptions& options = {},
                  std::chrono::milliseconds deadline = kPatience);

// Resident memory in bytes; 0 when the process is gone.
std::size_t ResidentBytes(pid_t pid);

}  // namespace sluice::test
