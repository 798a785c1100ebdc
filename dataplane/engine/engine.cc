#include "dataplane/engine/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <thread>
#include <utility>

#include "common/base/check.h"
#include "common/base/limits.h"

namespace sluice::dataplane {
namespace {

SocketKey KeyOf(const ListenerConfig& listener) { return {listener.protocol, listener.address}; }

}  // namespace

// What is to be served: listeners with the sockets they have.
struct Engine::Plan {
  std::vector<Served> served;
  std::vector<const SocketTable::Sockets*> sockets;  // Of served, in its order.
  std::set<SocketKey> keys;
  void Add(std::shared_ptr<const ListenerConfig> listener, const SocketKey& key,
           const SocketTable::Sockets* its_sockets) {
    keys.insert(key);
    served.push_back({std::move(listener), key});
    sockets.push_back(its_sockets);
  }
};

Engine::Engine(std::size_t workers, AllowedFolders folders)
    : sockets_(workers, std::move(folders)), wanted_(std::make_shared<RuntimeConfig>()) {
  SLUICE_CHECK(workers >= 1 && workers <= limits::kWorkers);
  for (std::size_t i = 0; i < workers; ++i) {
    auto loop = EventLoop::Open();
    SLUICE_CHECK(loop.has_value());
    workers_.push_back(std::make_unique<Worker>(std::move(*loop), static_cast<std::uint32_t>(i),
                                                static_cast<std::uint32_t>(workers)));
  }
  for (const auto& worker : workers_) worker->Start();
}

Engine::~Engine() {
  for (const auto& worker : workers_) worker->StopAndJoin();
}

Published Engine::Publish(std::shared_ptr<const RuntimeConfig> wanted,
                          std::function<void()> in_force) {
  // Sockets that the last configuration gave up are closed by now, so their addresses are free.
  working_.Wait();
  replaced_listeners_.DestroySome();
  replaced_upstreams_.DestroySome();

  Published published;
  auto changes = std::make_shared<std::vector<WorkerChange>>(workers_.size());
  published.upstreams = ChangeUpstreams(*wanted, *changes);
  if (wanted->listeners != wanted_->listeners || !all_bound_) {
    const Plan plan = BindAll(*wanted->listeners, published.problems);
    TakeInForce(plan, *changes, published);
    all_bound_ = published.problems.empty();
  }
  wanted_ = std::move(wanted);
  RunOnAll(
      [changes](Worker& worker) {
        // Moved out, so that sockets that are given up are closed with the worker's own reference.
        const WorkerChange own = std::move((*changes)[worker.index()]);
        worker.Follow(own);
      },
      std::move(in_force));
  return published;
}

std::size_t Engine::ChangeUpstreams(const RuntimeConfig& wanted,
                                    std::vector<WorkerChange>& changes) {
  static const std::shared_ptr<const UpstreamConfig> kNone;
  const auto form = [](const RuntimeConfig& config, std::size_t slot) -> const auto& {
    return slot < config.upstreams.size() ? config.upstreams[slot] : kNone;
  };
  const std::size_t slots = std::max(wanted.upstreams.size(), wanted_->upstreams.size());
  std::size_t changed = 0;
  for (std::size_t slot = 0; slot < slots; ++slot) {
    const auto& now = form(wanted, slot);
    const auto& before = form(*wanted_, slot);
    if (now == before) continue;
    ++changed;
    if (before != nullptr) replaced_upstreams_.Add(before);
    for (WorkerChange& change : changes) {
      if (now != nullptr) {
        change.upstreams.push_back(now);
      } else {
        change.removed_upstreams.push_back(static_cast<std::uint32_t>(slot));
      }
    }
  }
  return changed;
}

Engine::Plan Engine::BindAll(const ListenerList& wanted, std::vector<BindProblem>& problems) {
  std::set<SocketKey> claimed;
  for (const auto& listener : wanted) claimed.insert(KeyOf(*listener));

  Plan plan;
  for (const auto& listener : wanted) {
    const std::string& name = listener->shared->name;
    BindFailure failure;
    if (plan.keys.contains(KeyOf(*listener))) {
      failure = {"AddressInUse",
                 fmt::format("{} is another listener's address", listener->address.Text())};
    } else if (auto opened = sockets_.Open(KeyOf(*listener), listener->socket)) {
      plan.Add(listener, KeyOf(*listener), *opened);
      continue;
    } else {
      failure = std::move(opened.error());
    }
    // It stays where it was, unless that address has been given to another listener. All but the
    // address is as wanted, above all who may connect; only of another protocol the earlier form
    // stays whole.
    const auto earlier = in_force_.find(name);
    std::string meanwhile = "; nothing is served meanwhile";
    if (earlier != in_force_.end() && !claimed.contains(earlier->second.key)) {
      const SocketKey& key = earlier->second.key;
      const auto& form = key.protocol == listener->protocol ? listener : earlier->second.listener;
      if (auto opened = sockets_.Open(key, form->socket)) {
        plan.Add(form, key, *opened);
        meanwhile = fmt::format("; {} is still served", key.address.Text());
      }
    }
    problems.push_back({name, std::move(failure.reason), failure.message + meanwhile});
  }
  return plan;
}

void Engine::TakeInForce(const Plan& plan, std::vector<WorkerChange>& changes,
                         Published& published) {
  auto before = std::exchange(in_force_, {});
  for (const Served& served : plan.served) in_force_[served.listener->shared->name] = served;
  for (const auto& [name, served] : in_force_) {
    const auto earlier = before.find(name);
    const bool known = earlier != before.end();
    const bool moved = !known || earlier->second.key != served.key;
    if (moved || earlier->second.listener != served.listener) ++published.listeners;
    if (moved) published.opened.push_back({name, served.key.protocol, served.key.address});
  }
  for (auto& [name, served] : before) {
    const auto now = in_force_.find(name);
    if (now == in_force_.end() || now->second.listener != served.listener) {
      replaced_listeners_.Add(std::move(served.listener));
    }
  }
  sockets_.KeepOnly(plan.keys);
  // Nothing new and nothing gone, as when a failed one is tried again.
  if (published.listeners == 0 && before.size() == in_force_.size()) return;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    std::vector<Assignment>& assignments = changes[i].assignments.emplace();
    assignments.reserve(plan.served.size());
    for (std::size_t j = 0; j < plan.served.size(); ++j) {
      assignments.push_back({(*plan.sockets[j])[i], plan.served[j].listener});
    }
  }
}

std::vector<ServedListener> Engine::Serving() const {
  std::vector<ServedListener> serving;
  serving.reserve(in_force_.size());
  for (const auto& [name, served] : in_force_) {
    serving.push_back({name, served.key.protocol, served.key.address});
  }
  return serving;
}

template <typename Task>
void Engine::RunOnAll(Task task, std::function<void()> when_all_have) {
  working_.Wait();
  working_.Expect(workers_.size());
  for (const auto& worker : workers_) {
    worker->loop().Post([this, task, when_all_have, worker = worker.get()] {
      task(*worker);
      if (working_.Arrive() && when_all_have) when_all_have();
    });
  }
}

Engine::Sessions Engine::sessions() const {
  Sessions sum;
  for (const auto& worker : workers_) {
    sum.open += worker->census().open();
    sum.on_older_config += worker->census().on_older_config();
  }
  return sum;
}

void Engine::Shutdown(std::chrono::milliseconds deadline) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  // The upstreams stay: connections that are in an accept queue are served.
  auto none = std::make_shared<RuntimeConfig>();
  none->upstreams = wanted_->upstreams;
  Publish(std::move(none), nullptr);
  working_.Wait();
  while (sessions().open != 0 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  RunOnAll([](Worker& worker) { worker.CloseSessionsForShutdown(); }, nullptr);
  working_.Wait();
}

}  // namespace sluice::dataplane
