#include "dataplane/bootstrap/data_plane.h"

#include <fmt/format.h>

#include <algorithm>
#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>
#include <chrono>
#include <future>
#include <random>
#include <utility>

#include "common/base/thread_name.h"
#include "common/base/version.h"
#include "common/log/event_log.h"
#include "dataplane/admin/admin_holder.h"
#include "dataplane/admin/serve_admin.h"
#include "dataplane/control/node_status.h"

namespace sluice::dataplane {
namespace {

// A burst of changes is one write.
constexpr std::chrono::milliseconds kSaveDelay{200};
constexpr std::chrono::seconds kConfigPagePatience{5};
constexpr std::chrono::seconds kAdminPatience{1};
constexpr std::chrono::milliseconds kAdminAgain{50};
// After the drain deadline: to write logs and state.
constexpr std::chrono::seconds kStopSlack{3};

}  // namespace

DataPlane::DataPlane(Options options)
    : options_(std::move(options)),
      node_{options_.node, options_.labels},
      signals_(OnSignals()),
      access_log_(StartAccessLogWriter({options_.log_folders, options_.access_log})),
      engine_(options_.workers, options_.socket_folders),
      applier_(control_, engine_,
               {.labels = options_.labels,
                .workers = options_.workers,
                .access_log = {access_log_.get(), options_.access_log},
                .sockets = options_.socket_folders},
               [this] { OnStatusChange(); }),
      save_timer_(control_),
      shutdown_delay_(control_),
      admin_timer_(control_) {
  facts_.version = kVersion;
  facts_.started = std::chrono::system_clock::now();
  facts_.workers = options_.workers;
  facts_.has_control_plane = options_.config.empty();
  facts_.last_swap = facts_.last_contact = std::chrono::steady_clock::now();
  OnStatusChange();
}

DataPlane::~DataPlane() {
  if (drain_.joinable()) drain_.join();
}

Result<void> DataPlane::Start() {
  LogEvent(LogLevel::kInfo, "data_plane_starting",
           {{"version", kVersion}, {"node", options_.node}, {"workers", options_.workers}});
  if (!options_.admin.empty()) {
    if (auto started = StartAdmin(); !started) return started;
  }
  return options_.config.empty() ? StartDiscovery() : StartStatic();
}

Result<std::unique_ptr<http::Server>> DataPlane::OpenAdmin() {
  return ServeAdmin({.address = options_.admin, .allow_remote = options_.insecure},
                    {.readiness = [this] { return ReadinessNow(); },
                     .config = [this] { return ConfigPage(); },
                     .metrics = [this] { return MetricsPage(); }});
}

Result<void> DataPlane::StartAdmin() {
  // The process before may be told to stop in the same moment in which this one starts.
  const auto until = std::chrono::steady_clock::now() + kAdminPatience;
  for (;;) {
    auto admin = OpenAdmin();
    if (admin) {
      admin_ = *std::move(admin);
      return {};
    }
    if (admin.error().code != ErrorCode::kConflict) return tl::unexpected(admin.error());
    const AdminHolder holder = FindAdminHolder(*SocketAddress::Parse(options_.admin));
    if (holder == AdminHolder::kLeaving) {
      LogEvent(LogLevel::kInfo, "admin_address_awaited",
               {{"address", options_.admin},
                {"message", "it is taken by a data plane that shuts down"}});
      AwaitAdminAddress();
      return {};
    }
    if (holder == AdminHolder::kOther || std::chrono::steady_clock::now() >= until) {
      return tl::unexpected(admin.error());
    }
    std::this_thread::sleep_for(kAdminAgain);
  }
}

void DataPlane::AwaitAdminAddress() {
  admin_timer_.expires_after(kAdminAgain);
  admin_timer_.async_wait([this](const std::error_code& error) {
    if (error || draining_) return;
    auto admin = OpenAdmin();
    if (!admin) return AwaitAdminAddress();
    admin_ = *std::move(admin);
    LogEvent(LogLevel::kInfo, "admin_address_served", {{"address", options_.admin}});
  });
}

Result<void> DataPlane::StartStatic() {
  static_config_ = std::make_unique<StaticConfig>(options_.config);
  // Before reading, so that no change falls between.
  auto watch = FileWatch::Start(control_, options_.config, [this] { Reload(); });
  auto updates = static_config_->Read();
  if (!updates) {
    std::string all = fmt::format("configuration '{}' cannot be used", options_.config);
    for (const manifest::Diagnostic& wrong : updates.error()) all += "\n  " + wrong.Text();
    return Fail(ErrorCode::kInvalidArgument, all);
  }
  if (!watch) return tl::unexpected(watch.error());
  watch_ = *std::move(watch);
  applier_.Apply(*std::move(updates), {0, "", true});
  return {};
}

void DataPlane::Reload() {
  auto updates = static_config_->Read();
  if (!updates) {
    for (const manifest::Diagnostic& wrong : updates.error()) {
      LogEvent(LogLevel::kError, "config_refused",
               {{"path", options_.config},
                {"message", wrong.Text()},
                {"action", "the running configuration stays"}});
    }
    return;
  }
  if (updates->empty()) return;
  LogEvent(LogLevel::kInfo, "config_reloaded",
           {{"path", options_.config}, {"changed_objects", updates->size()}});
  applier_.Apply(*std::move(updates), {0, "", true});
}

Result<void> DataPlane::StartDiscovery() {
  ControlPlaneLink::Settings settings;
  settings.addresses = options_.control_planes;
  settings.node = node_;
  settings.seed = std::random_device{}();
  link_ = std::make_unique<ControlPlaneLink>(
      control_, settings,
      ControlPlaneLink::Events{.on_swap = [this](StagedSwap swap) { OnSwap(std::move(swap)); },
                               .on_refusals = [this] { OnStatusChange(); },
                               .on_connected = [this] { OnContact(true); },
                               .on_disconnected = [this] { OnContact(false); },
                               .make_report = [this] { return Report(); }});
  if (!options_.state_dir.empty()) {
    StateFolder folder(options_.state_dir, options_.node);
    if (const auto claimed = folder.Claim(); !claimed) {
      LogEvent(LogLevel::kError, "state_folder_unusable",
               {{"message", claimed.error().message},
                {"action", "nothing is saved until that changes"}});
    }
    if (!folder.is_of_another_node()) RestoreState(folder.file());
    saver_ = std::make_unique<StateSaver>(std::move(folder));
  }
  link_->Start();
  return {};
}

void DataPlane::RestoreState(const std::string& file) {
  const auto saved = ReadStateFile(file);
  if (!saved) {
    LogEvent(LogLevel::kError, "saved_state_ignored", {{"message", saved.error().message}});
    return;
  }
  if (!saved->has_value()) return;
  const SavedSnapshot& snapshot = **saved;
  const AcceptedState& accepted = snapshot.accepted;
  LogEvent(LogLevel::kWarning, "serving_saved_state",
           {{"generation", accepted.generation},
            {"resources", accepted.resources.size()},
            {"action", "serving it until a control plane is reached"}});
  stale_ = true;
  link_->staging().Restore(accepted);
  applier_.Restore(accepted.resources, snapshot.in_force_instead,
                   {accepted.generation, accepted.digest, !accepted.digest.empty()});
}

void DataPlane::OnSwap(StagedSwap swap) {
  if (draining_) return;
  const bool complete = !swap.digest.empty();
  applier_.Apply(std::move(swap.updates), {swap.generation, std::move(swap.digest), complete});
}

void DataPlane::OnContact(bool connected) {
  if (connected) stale_ = false;
  {
    const MutexLock lock(facts_mutex_);
    // An attempt that came to nothing is no contact.
    if (connected || facts_.connected) facts_.last_contact = std::chrono::steady_clock::now();
    facts_.connected = connected;
  }
  if (connected) OnStatusChange();
}

void DataPlane::OnStatusChange() {
  const std::vector<v1::ResourceProblem> problems = Problems();
  {
    const MutexLock lock(facts_mutex_);
    facts_.stale = stale_;
    facts_.active_generation = applier_.active().number;
    if (facts_.swaps != applier_.swaps()) facts_.last_swap = std::chrono::steady_clock::now();
    facts_.swaps = applier_.swaps();
    facts_.config_problems = problems.size();
    facts_.refused_objects = static_cast<std::uint64_t>(
        std::count_if(problems.begin(), problems.end(), [](const v1::ResourceProblem& problem) {
          return problem.state() == v1::ResourceProblem::REFUSED;
        }));
    if (shutdown_by_) {
      readiness_ = {false, std::string(kShuttingDown)};
    } else if (!applier_.ready()) {
      readiness_ = {false, "no complete configuration yet"};
    } else {
      readiness_ = ReadinessOf(problems, applier_.serving());
    }
    facts_.ready = readiness_.ready;
  }
  if (link_ != nullptr) link_->NotifyReporter();
  if (saver_ != nullptr && !draining_) ScheduleSave();
}

void DataPlane::ScheduleSave() {
  if (std::exchange(save_scheduled_, true)) return;
  save_timer_.expires_after(kSaveDelay);
  save_timer_.async_wait([this](const std::error_code& error) {
    if (error) return;
    save_scheduled_ = false;
    SaveState();
  });
}

void DataPlane::SaveState() {
  // Before anything was in force there is nothing to save, and what is in the file may be good.
  if (!applier_.ready()) return;
  saver_->Save({link_->staging().Taken(), applier_.InForceInstead()});
}

void DataPlane::Run() {
  const auto until_stopped = asio::make_work_guard(control_);
  control_.run();
  LogEvent(LogLevel::kInfo, "data_plane_stopped");
}

SignalHandlers DataPlane::OnSignals() {
  const auto on_control = [this](void (DataPlane::*what)()) {
    asio::post(control_, [this, what] { (this->*what)(); });
  };
  return {.stop =
              [this, on_control] {
                on_control(&DataPlane::BeginShutdown);
                return options_.shutdown_delay + options_.drain_timeout + kStopSlack;
              },
          .reload =
              [this, on_control] {
                on_control(&DataPlane::ReopenLogs);
                if (!options_.config.empty()) on_control(&DataPlane::Reload);
              },
          .reopen_logs = [on_control] { on_control(&DataPlane::ReopenLogs); }};
}

void DataPlane::ReopenLogs() {
  access_log_->Reopen();
  LogEvent(LogLevel::kInfo, "access_logs_reopened");
}

void DataPlane::BeginShutdown() {
  // Nobody has been sent here where nothing is served.
  const auto delay = applier_.snapshot()->listeners->empty() ? std::chrono::milliseconds(0)
                                                             : options_.shutdown_delay;
  LogEvent(LogLevel::kInfo, "data_plane_shutting_down",
           {{"sessions", engine_.sessions().open},
            {"listeners_close_in_ms", delay.count()},
            {"sessions_close_in_ms", (delay + options_.drain_timeout).count()}});
  shutdown_by_ = std::chrono::steady_clock::now() + delay + options_.drain_timeout;
  if (link_ != nullptr) link_->StopReconnecting();
  OnStatusChange();
  shutdown_delay_.expires_after(delay);
  shutdown_delay_.async_wait([this](const std::error_code&) { BeginDraining(); });
}

void DataPlane::BeginDraining() {
  LogEvent(LogLevel::kInfo, "data_plane_draining", {{"sessions", engine_.sessions().open}});
  draining_ = true;
  applier_.Stop();
  watch_ = nullptr;
  // From here on another process may have all that there is one of: the state folder, the node's
  // place at the control plane, the admin address, the listeners' addresses.
  save_timer_.cancel();
  if (saver_ != nullptr) {
    if (save_scheduled_) SaveState();
    saver_->Finish();
  }
  if (link_ != nullptr) link_->Leave();
  admin_timer_.cancel();
  // Blocks until the sessions have ended.
  drain_ = std::thread([this] {
    NameThisThread("drain");
    admin_ = nullptr;
    engine_.Shutdown(options_.drain_timeout);
    asio::post(control_, [this] { control_.stop(); });
  });
}

std::chrono::seconds DataPlane::ShutdownLeft() const {
  if (!shutdown_by_) return std::chrono::seconds(0);
  const auto left = *shutdown_by_ + kStopSlack - std::chrono::steady_clock::now();
  return std::max(std::chrono::ceil<std::chrono::seconds>(left), std::chrono::seconds(1));
}

std::vector<v1::ResourceProblem> DataPlane::Problems() const {
  std::vector<v1::ResourceProblem> problems;
  if (link_ != nullptr) problems = link_->staging().Refusals();
  const std::vector<v1::ResourceProblem> more = applier_.Problems();
  problems.insert(problems.end(), more.begin(), more.end());
  return problems;
}

v1::NodeReport DataPlane::Report() const {
  return MakeNodeReport({node_, applier_.active().number, applier_.active().digest, Problems(),
                         *applier_.snapshot(), engine_.sessions(), stale_, ShutdownLeft()});
}

Readiness DataPlane::ReadinessNow() const {
  const MutexLock lock(facts_mutex_);
  return readiness_;
}

std::string DataPlane::MetricsPage() const {
  DataPlaneFacts facts;
  {
    const MutexLock lock(facts_mutex_);
    facts = facts_;
  }
  const Engine::Sessions sessions = engine_.sessions();
  facts.sessions_open = sessions.open;
  facts.sessions_on_older_config = sessions.on_older_config;
  facts.access_log_lost = access_log_->lost();
  facts.events_dropped = DroppedEvents();
  return RenderMetrics(*applier_.snapshot(), facts);
}

std::string DataPlane::ConfigPage() {
  struct State {
    v1::NodeReport report;
    std::vector<ListenerPlace> listeners;
    std::vector<VersionedResource> in_force;
  };
  const auto answer = std::make_shared<std::promise<State>>();
  std::future<State> state = answer->get_future();
  asio::post(control_, [this, answer] {
    answer->set_value({Report(), applier_.Listeners(), applier_.InForce()});
  });
  // Not answered when the process is about to end.
  if (state.wait_for(kConfigPagePatience) != std::future_status::ready) return "{}\n";
  const State now = state.get();
  return RenderConfigPage(now.report, now.listeners, now.in_force);
}

}  // namespace sluice::dataplane
