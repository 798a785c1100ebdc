// The real ctl against a real control plane of the test's own.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/sluice_processes.h"
#include "tests/support/temp_dir.h"

namespace sluice::test {

class CtlTest : public testing::Test {
 protected:
  ProcessResult Run(std::vector<std::string> arguments, const std::string& stdin_text = "") const {
    return Ctl(control_plane_.api(), std::move(arguments), stdin_text);
  }
  // Applies, and fails the test when that does not succeed.
  void Store(const std::string& yaml) const;
  // Everything that is stored, and the generation it is.
  std::string StoreContent() const;

  ControlPlane control_plane_;
  TempDir dir_;
};

// An upstream with one endpoint.
std::string UpstreamYaml(const std::string& name, const std::string& address = "127.0.0.1:1");
// A TCP listener that sends everything to one upstream.
std::string ListenerYaml(const std::string& name, const std::string& address,
                         const std::string& upstream);

// ctl without --server and with nothing of the caller's surroundings.
ProcessResult BareCtl(std::vector<std::string> arguments,
                      std::vector<std::pair<std::string, std::string>> environment = {},
                      const std::string& stdin_text = "");

// Exit status and both outputs at once, so that a failure shows all three.
MATCHER_P(Exits, status, "exits with " + std::to_string(status)) {
  *result_listener << "status " << arg.status << "\nstdout:\n"
                   << arg.out << "\nstderr:\n"
                   << arg.err;
  return arg.status == status;
}

}  // namespace sluice::test
