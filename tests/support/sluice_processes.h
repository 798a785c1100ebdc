// The real binaries, on loopback ports of their own with their own temporary folders.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/port_lease.h"
#include "tests/support/process.h"

namespace sluice::test {

class ControlPlane {
 public:
  // Serving when the constructor returns (checked). `store` is another one's, or empty: its own.
  // `standard_error`: as ProcessOptions has it.
  explicit ControlPlane(const std::string& store = "", const std::string& standard_error = "");
  explicit ControlPlane(ProcessOptions options);
  void Start();
  // SIGKILL, as a crash; the store stays.
  void Kill();
  // SIGTERM; its exit status.
  int Stop();

  std::string api() const { return api_.Address(); }
  std::string xds() const { return xds_.Address(); }
  const std::string& store() const { return store_; }
  Process& process() { return *process_; }

 private:
  PortLease api_;
  PortLease xds_;
  TempDir dir_;
  std::string store_;  // As --store has it.
  ProcessOptions process_options_;
  std::unique_ptr<Process> process_;
};

struct DataPlaneOptions {
  std::string node = "node-1";
  std::string control_plane = {};  // Address of its discovery port.
  std::string config = {};         // Or a manifest.
  std::vector<std::string> labels = {};
  int workers = 2;
  std::string state_dir = {};         // Empty: one of its own.
  std::string shutdown_delay = "0s";  // Tests that stop a data plane do not wait for it.
  std::vector<std::string> more_flags = {};
  std::optional<unsigned long> max_open_files = {};
  // As ProcessOptions has them.
  std::vector<int> blocked_signals = {};
  std::string standard_error = {};
};

class DataPlane {
 public:
  // Started; ready once it has a configuration.
  explicit DataPlane(DataPlaneOptions options);
  void Start();
  // As Start(), and the process before, now the caller's, goes on.
  std::unique_ptr<Process> StartSuccessor();
  void Kill();
  int Stop();
  bool Ready() const;

  std::string admin() const { return admin_.Address(); }
  // Body of a page of the admin server.
  std::string Admin(const std::string& page) const;
  // Value of one line of /metrics, named with its labels as printed; -1 when it is not there.
  double Metric(const std::string& name_with_labels) const;
  std::string state_dir() const {
    return options_.state_dir.empty() ? dir_.File("state") : options_.state_dir;
  }
  Process& process() { return *process_; }

 private:
  DataPlaneOptions options_;
  PortLease admin_;
  TempDir dir_;
  std::unique_ptr<Process> process_;
};

// Runs ctl against the control plane's API.
ProcessResult Ctl(const std::string& api, std::vector<std::string> arguments,
                  const std::string& stdin_text = "");
// `ctl apply --wait -` of YAML text once a data plane has connected; fails the test when it does
// not succeed.
void ApplyAndWait(const std::string& api, const std::string& yaml);

// A listener default/front at `listen` whose sessions go to `endpoint`.
std::string ProxyManifest(const std::string& listen, const std::string& endpoint);

std::string BinPath(const std::string& program);

}  // namespace sluice::test
