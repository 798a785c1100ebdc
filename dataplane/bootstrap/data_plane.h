// One data-plane process on its control thread: a source of configuration (control plane or files)
// feeds the applier, which feeds the engine; status flows back. This class only connects them and
// owns start, reload and shutdown.
// Control thread only.
#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/base/error.h"
#include "common/base/monotonic_time.h"
#include "common/base/mutex.h"
#include "common/http/server.h"
#include "common/process/signals.h"
#include "dataplane/admin/admin_pages.h"
#include "dataplane/admin/metrics.h"
#include "dataplane/bootstrap/options.h"
#include "dataplane/control/applier.h"
#include "dataplane/control/file_watch.h"
#include "dataplane/control/state_saver.h"
#include "dataplane/control/static_config.h"
#include "dataplane/discovery/control_plane_link.h"
#include "dataplane/engine/engine.h"
#include "dataplane/log/access_log.h"

namespace sluice::dataplane {

class DataPlane {
 public:
  explicit DataPlane(Options options);
  ~DataPlane();

  // Opens everything that can fail for a reason the person who starts it has to remove.
  Result<void> Start();
  // Until a signal ends it.
  void Run();

 private:
  Result<void> StartStatic();
  Result<void> StartDiscovery();
  void RestoreState(const std::string& file);
  void Reload();

  void OnSwap(StagedSwap swap);
  void OnContact(bool connected);
  void OnStatusChange();
  void ScheduleSave();
  void SaveState();

  SignalHandlers OnSignals();
  void ReopenLogs();
  // Leaves in order: readiness fails first and listeners go on, then they close and sessions drain
  // while another process may take this one's place.
  void BeginShutdown();
  void BeginDraining();
  // Until the process has ended at the latest; 0 unless it shuts down.
  std::chrono::seconds ShutdownLeft() const;

  std::vector<v1::ResourceProblem> Problems() const;
  v1::NodeReport Report() const;
  Result<void> StartAdmin();
  Result<std::unique_ptr<http::Server>> OpenAdmin();
  // Until the process before, which shuts down, has given the address up.
  void AwaitAdminAddress();
  // The admin server's thread. ConfigPage asks the control thread and waits for it.
  Readiness ReadinessNow() const;
  std::string ConfigPage();
  std::string MetricsPage() const;

  const Options options_;
  const NodeIdentity node_;
  asio::io_context control_;
  // Posts to the control thread. Outlives the rest, so that a second signal ends the process while
  // something of it hangs.
  const SignalThread signals_;
  const std::unique_ptr<AccessLogWriter> access_log_;
  Engine engine_;
  Applier applier_;

  // One of these two is the source.
  std::unique_ptr<ControlPlaneLink> link_;
  std::unique_ptr<StaticConfig> static_config_;
  std::unique_ptr<FileWatch> watch_;

  std::unique_ptr<StateSaver> saver_;
  asio::steady_timer save_timer_;
  bool save_scheduled_ = false;
  bool stale_ = false;  // Serving a saved state, and no control plane reached since the start.

  // Set once a signal asked to stop: by when sessions are closed.
  std::optional<MonotonicTime> shutdown_by_;
  bool draining_ = false;  // Listeners are closed.
  asio::steady_timer shutdown_delay_;
  std::thread drain_;

  mutable Mutex facts_mutex_;
  DataPlaneFacts facts_ ABSL_GUARDED_BY(facts_mutex_);
  Readiness readiness_ ABSL_GUARDED_BY(facts_mutex_);

  asio::steady_timer admin_timer_;
  std::unique_ptr<http::Server> admin_;  // Last: its thread uses the others.
};

}  // namespace sluice::dataplane
