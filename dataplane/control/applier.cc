#include "dataplane/control/applier.h"

#include <algorithm>
#include <asio/post.hpp>
#include <chrono>
#include <map>
#include <utility>

#include "common/log/event_log.h"
#include "common/model/kind.h"
#include "dataplane/compile/problem.h"
#include "sluice/v1/listener.pb.h"

namespace sluice::dataplane {
namespace {

// A process that takes another one's place finds its addresses free when that one lets go, which
// should be noticed at once: soon after the start it is tried often, as far as that takes little of
// the thread.
constexpr std::chrono::milliseconds kRetry{1'000};
constexpr std::chrono::milliseconds kSoonRetry{20};
constexpr int kRetryShare = 20;
constexpr std::chrono::seconds kSoonAfterStart{120};
// Of one change; of more the event log says only how many.
constexpr std::size_t kOpenedListenersNamed = 20;

model::ResourceKey ListenerKey(const std::string& full_name) {
  const std::size_t slash = full_name.find('/');
  return {model::FindKind("Listener"), full_name.substr(0, slash), full_name.substr(slash + 1)};
}

bool OfSameObject(const v1::ResourceProblem& a, const v1::ResourceProblem& b) {
  return a.kind() == b.kind() && a.name() == b.name();
}
bool IsSame(const v1::ResourceProblem& a, const v1::ResourceProblem& b) {
  return OfSameObject(a, b) && a.version() == b.version() && a.reason() == b.reason();
}

// Those of `problems` that have no counterpart in `others`.
template <typename IsCounterpart>
void LogProblems(std::string_view event, LogLevel level,
                 const std::vector<v1::ResourceProblem>& problems,
                 const std::vector<v1::ResourceProblem>& others, IsCounterpart is_counterpart) {
  for (const v1::ResourceProblem& problem : problems) {
    if (std::any_of(others.begin(), others.end(),
                    [&](const auto& other) { return is_counterpart(problem, other); })) {
      continue;
    }
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

void Applier::Apply(ResourceUpdates updates, Generation generation) {
  if (stopped_) return;
  auto config = Compile(std::move(updates));
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

std::shared_ptr<const RuntimeConfig> Applier::Compile(ResourceUpdates updates) {
  const std::vector<v1::ResourceProblem> before = compiler_.Problems();
  auto config = compiler_.Compile(std::move(updates));
  const std::vector<v1::ResourceProblem> after = compiler_.Problems();
  LogProblems("resource_not_programmed", LogLevel::kError, after, before, IsSame);
  LogProblems("resource_healed", LogLevel::kInfo, before, after, OfSameObject);
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
  compiler_.Compile(std::move(first));
  Apply(std::move(back), std::move(generation));
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
  publishing_.push_back({number, std::move(generation), 0, 0});
  const Published published = engine_.Publish(config_, [this, number, control = &control_] {
    asio::post(*control, [this, number] { OnInForce(number); });
  });
  publishing_.back().listeners = published.listeners;
  publishing_.back().upstreams = published.upstreams;
  TakeOver(published);
}

void Applier::PublishAgain() {
  const auto begun = std::chrono::steady_clock::now();
  const std::size_t failed_before = bind_problems_.size();
  const Published published = engine_.Publish(config_, [this, control = &control_] {
    asio::post(*control, [this] {
      if (std::exchange(retry_changed_, false)) on_change_();
    });
  });
  retry_changed_ =
      retry_changed_ || published.listeners != 0 || published.problems.size() != failed_before;
  retry_cost_ = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - begun);
  TakeOver(published);
}

void Applier::TakeOver(const Published& published) {
  std::size_t named = 0;
  for (const ServedListener& opened : published.opened) {
    if (++named > kOpenedListenersNamed) break;
    LogEvent(LogLevel::kInfo, "listener_opened",
             {{"listener", opened.listener},
              {"protocol", opened.protocol == Protocol::kTcp ? "TCP" : "UDP"},
              {"address", opened.address.Text()}});
  }
  if (published.opened.size() > kOpenedListenersNamed) {
    LogEvent(LogLevel::kInfo, "listeners_opened", {{"listeners", published.opened.size()}});
  }
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
  LogProblems("listener_bind_failed", LogLevel::kError, now, bind_problems_, IsSame);
  LogProblems("listener_bind_healed", LogLevel::kInfo, bind_problems_, now, OfSameObject);
  bind_problems_ = std::move(now);
  ScheduleRetry();
}

void Applier::ScheduleRetry() {
  retry_timer_.cancel();
  if (bind_problems_.empty() && !compiler_.ToBeTriedAgain()) return;
  const bool soon = std::chrono::steady_clock::now() - started_ < kSoonAfterStart;
  retry_timer_.expires_after(soon ? std::clamp(kRetryShare * retry_cost_, kSoonRetry, kRetry)
                                  : kRetry);
  retry_timer_.async_wait([this](const std::error_code& error) {
    if (!error && !stopped_) Retry();
  });
}

void Applier::Retry() {
  if (compiler_.ToBeTriedAgain()) {
    if (auto config = Compile({}); config != config_) {
      config_ = std::move(config);
      return Publish(publishing_.empty() ? active_ : publishing_.back().generation);
    }
    if (!compiler_.ToBeTriedAgain()) on_change_();  // Nothing to publish, and no problem any more.
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
  std::size_t listeners = 0;
  std::size_t upstreams = 0;
  while (!publishing_.empty() && publishing_.front().number <= number) {
    generation = std::move(publishing_.front().generation);
    listeners += publishing_.front().listeners;
    upstreams += publishing_.front().upstreams;
    ++swaps_;
    publishing_.pop_front();
  }
  if (const auto held_back = swap_events_.Pass(std::chrono::steady_clock::now())) {
    LogEvent(LogLevel::kInfo, "config_in_force",
             {{"generation", generation.number},
              {"changed_listeners", listeners},
              {"changed_upstreams", upstreams},
              {"more_events_held_back", *held_back}});
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

std::vector<ListenerPlace> Applier::Listeners() const {
  std::map<std::string, ListenerPlace> places;
  const auto place = [&](const std::string& name) -> ListenerPlace& {
    const auto [it, is_new] = places.try_emplace(name);
    if (is_new) {
      const VersionedResource* wanted = compiler_.Wanted(ListenerKey(name));
      it->second.name = name;
      if (wanted != nullptr) {
        it->second.wanted = wanted->resource->As<v1::Listener>().spec().address();
      }
    }
    return it->second;
  };
  for (const auto& listener : *config_->listeners) place(listener->shared->name);
  for (const v1::ResourceProblem& problem : Problems()) {
    if (problem.kind() == "Listener") place(problem.name());
  }
  for (const ServedListener& served : engine_.Serving()) {
    place(served.listener).served = served.address.Text();
  }
  std::vector<ListenerPlace> all;
  all.reserve(places.size());
  for (auto& [name, its_place] : places) all.push_back(std::move(its_place));
  return all;
}

std::shared_ptr<const RuntimeConfig> Applier::snapshot() const {
  const MutexLock lock(snapshot_mutex_);
  return snapshot_;
}

}  // namespace sluice::dataplane
