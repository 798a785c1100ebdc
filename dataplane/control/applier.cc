#include "dataplane/control/applier.h"

#include <algorithm>
#include <asio/post.hpp>
#include <chrono>
#include <map>
#include <utility>

#include "common/log/event_log.h"
#include "common/model/kind.h"
#include "dataplane/compile/problem.h"

namespace sluice::dataplane {
namespace {

constexpr std::chrono::seconds kRetry{1};

model::ResourceKey ListenerKey(const std::string& full_name) {
  const std::size_t slash = full_name.find('/');
  return {model::FindKind("Listener"), full_name.substr(0, slash), full_name.substr(slash + 1)};
}

void LogProblems(std::string_view event, LogLevel level,
                 const std::vector<v1::ResourceProblem>& problems,
                 const std::vector<v1::ResourceProblem>& known) {
  for (const v1::ResourceProblem& problem : problems) {
    const bool told = std::any_of(known.begin(), known.end(), [&](const auto& other) {
      return other.kind() == problem.kind() && other.name() == problem.name() &&
             other.version() == problem.version() && other.reason() == problem.reason();
    });
    if (told) continue;
    LogEvent(level, event,
             {{"kind", problem.kind()},
              {"name", problem.name()},
              {"version", problem.version()},
              {"reason", problem.reason()},
              {"field", problem.field()},
              {"message", problem.message()}});
  }
}

}  // namespace

Applier::Applier(asio::io_context& control, Engine& engine, Compiler::Settings settings,
                 std::function<void()> on_change)
    : control_(control),
      engine_(engine),
      compiler_(std::move(settings)),
      on_change_(std::move(on_change)),
      config_(compiler_.Compile({})),
      retry_timer_(control),
      snapshot_(config_) {}

void Applier::Apply(const ResourceUpdates& updates, Generation generation) {
  if (stopped_) return;
  auto config = Compile(updates);
  if (config != config_) {
    config_ = std::move(config);
    Publish(std::move(generation));
    return;
  }
  ScheduleRetry();
  if (publishing_.empty()) {
    Settle(std::move(generation));
  } else {
    publishing_.back().generation = std::move(generation);
  }
}

std::shared_ptr<const RuntimeConfig> Applier::Compile(const ResourceUpdates& updates) {
  const std::vector<v1::ResourceProblem> before = compiler_.Problems();
  auto config = compiler_.Compile(updates);
  const std::vector<v1::ResourceProblem> after = compiler_.Problems();
  LogProblems("resource_not_programmed", LogLevel::kError, after, before);
  LogProblems("resource_healed", LogLevel::kInfo, before, after);
  return config;
}

void Applier::Restore(const std::vector<VersionedResource>& accepted,
                      const ResourceUpdates& in_force_instead, Generation generation) {
  std::map<model::ResourceKey, VersionedResource> wanted;
  for (const VersionedResource& held : accepted) wanted[held.resource->key()] = held;
  std::map<model::ResourceKey, VersionedResource> in_force = wanted;
  ResourceUpdates back;
  for (const ResourceUpdate& instead : in_force_instead) {
    in_force[instead.key] = instead.held;
    const auto found = wanted.find(instead.key);
    back.push_back({instead.key, found == wanted.end() ? VersionedResource{} : found->second});
  }
  ResourceUpdates first;
  for (auto& [key, held] : in_force) first.push_back({key, std::move(held)});
  compiler_.Compile(first);
  Apply(back, std::move(generation));
}

void Applier::Stop() {
  stopped_ = true;
  retry_timer_.cancel();
}

void Applier::Publish(Generation generation) {
  {
    const MutexLock lock(snapshot_mutex_);
    snapshot_ = config_;
  }
  const std::uint64_t number = ++publishes_;
  publishing_.push_back({number, std::move(generation)});
  const Published published = engine_.Publish(config_, [this, number, control = &control_] {
    asio::post(*control, [this, number] { OnInForce(number); });
  });
  TakeBindProblems(published.problems);
}

void Applier::PublishAgain() {
  const Published published = engine_.Publish(
      config_, [this, control = &control_] { asio::post(*control, [this] { on_change_(); }); });
  TakeBindProblems(published.problems);
}

void Applier::TakeBindProblems(const std::vector<BindProblem>& problems) {
  std::vector<v1::ResourceProblem> now;
  for (const BindProblem& problem : problems) {
    const model::ResourceKey key = ListenerKey(problem.listener);
    const VersionedResource* wanted = compiler_.Wanted(key);
    now.push_back(MakeProblem(key, wanted == nullptr ? "" : wanted->version,
                              v1::ResourceProblem::NOT_PROGRAMMED,
                              {problem.reason, "spec.address", problem.message}));
  }
  LogProblems("listener_bind_failed", LogLevel::kError, now, bind_problems_);
  LogProblems("listener_bind_healed", LogLevel::kInfo, bind_problems_, now);
  bind_problems_ = std::move(now);
  ScheduleRetry();
}

void Applier::ScheduleRetry() {
  retry_timer_.cancel();
  if (bind_problems_.empty() && !compiler_.AwaitsLogs()) return;
  retry_timer_.expires_after(kRetry);
  retry_timer_.async_wait([this](const std::error_code& error) {
    if (!error && !stopped_) Retry();
  });
}

void Applier::Retry() {
  if (compiler_.AwaitsLogs()) {
    if (auto config = Compile({}); config != config_) {
      config_ = std::move(config);
      return Publish(publishing_.empty() ? active_ : publishing_.back().generation);
    }
  }
  if (bind_problems_.empty()) {
    ScheduleRetry();
  } else {
    PublishAgain();
  }
}

void Applier::OnInForce(std::uint64_t number) {
  if (publishing_.empty() || publishing_.front().number > number) return;
  Generation generation;
  while (!publishing_.empty() && publishing_.front().number <= number) {
    generation = std::move(publishing_.front().generation);
    ++swaps_;
    publishing_.pop_front();
  }
  Settle(std::move(generation));
}

void Applier::Settle(Generation generation) {
  active_ = std::move(generation);
  ready_ = ready_ || active_.complete || !config_->listeners->empty();
  on_change_();
}

std::vector<v1::ResourceProblem> Applier::Problems() const {
  std::vector<v1::ResourceProblem> all = compiler_.Problems();
  all.insert(all.end(), bind_problems_.begin(), bind_problems_.end());
  return all;
}

std::shared_ptr<const RuntimeConfig> Applier::snapshot() const {
  const MutexLock lock(snapshot_mutex_);
  return snapshot_;
}

}  // namespace sluice::dataplane
