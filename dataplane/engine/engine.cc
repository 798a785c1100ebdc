#include "dataplane/engine/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "dataplane/engine/socket_table.h"
#include "dataplane/engine/worker.h"

namespace sluice::dataplane {
namespace {

using ListenerPointer = std::shared_ptr<const ListenerConfig>;

SocketKey KeyOf(const ListenerConfig& listener) { return {listener.protocol, listener.address}; }

// A task that every worker has been given.
class Rendezvous {
 public:
  void Expect(std::size_t workers) {
    const std::lock_guard lock(mutex_);
    missing_ = workers;
  }
  // True for the last.
  bool Arrive() {
    const std::lock_guard lock(mutex_);
    if (--missing_ != 0) return false;
    all_here_.notify_all();
    return true;
  }
  void Wait() {
    std::unique_lock lock(mutex_);
    all_here_.wait(lock, [this] { return missing_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable all_here_;
  std::size_t missing_ = 0;
};

class WorkerEngine final : public Engine {
 public:
  explicit WorkerEngine(std::size_t workers);
  ~WorkerEngine() override;

  std::vector<BindProblem> Publish(std::shared_ptr<const RuntimeConfig> wanted,
                                   std::function<void()> in_force) override;
  Sessions sessions() const override;
  void Shutdown(std::chrono::milliseconds deadline) override;
  std::size_t workers() const override { return workers_.size(); }

 private:
  // What is to be served: listeners with the sockets they have.
  struct Plan {
    std::vector<ListenerPointer> listeners;
    std::vector<const SocketTable::Sockets*> sockets;
    std::set<SocketKey> keys;
    void Add(ListenerPointer listener, const SocketTable::Sockets* its_sockets) {
      keys.insert(KeyOf(*listener));
      listeners.push_back(std::move(listener));
      sockets.push_back(its_sockets);
    }
  };

  Plan BindAll(const RuntimeConfig& wanted, std::vector<BindProblem>& problems);
  void PutInForce(const Plan& plan, std::function<void()> in_force);
  template <typename Task>
  void RunOnAll(Task task, std::function<void()> when_all_have);

  SocketTable sockets_;
  std::vector<std::unique_ptr<Worker>> workers_;
  Rendezvous rendezvous_;
  std::map<std::string, ListenerPointer> served_;  // By namespace/name.
  // Replaced ones are kept until no session holds them, to be destroyed here and not by a worker.
  std::vector<ListenerPointer> replaced_;
};

WorkerEngine::WorkerEngine(std::size_t workers) : sockets_(workers) {
  SLUICE_CHECK(workers >= 1 && workers <= limits::kWorkers);
  for (std::size_t i = 0; i < workers; ++i) {
    auto loop = EventLoop::Open();
    SLUICE_CHECK(loop.has_value());
    workers_.push_back(std::make_unique<Worker>(std::move(*loop), static_cast<std::uint32_t>(i),
                                                static_cast<std::uint32_t>(workers)));
  }
  for (const auto& worker : workers_) worker->Start();
}

WorkerEngine::~WorkerEngine() {
  for (const auto& worker : workers_) worker->StopAndJoin();
}

std::vector<BindProblem> WorkerEngine::Publish(std::shared_ptr<const RuntimeConfig> wanted,
                                               std::function<void()> in_force) {
  // Sockets that the last configuration gave up are closed by now, so their addresses are free.
  rendezvous_.Wait();
  std::erase_if(replaced_,
                [](const ListenerPointer& listener) { return listener.use_count() == 1; });

  std::vector<BindProblem> problems;
  const Plan plan = BindAll(*wanted, problems);
  PutInForce(plan, std::move(in_force));
  return problems;
}

WorkerEngine::Plan WorkerEngine::BindAll(const RuntimeConfig& wanted,
                                         std::vector<BindProblem>& problems) {
  std::set<SocketKey> claimed;
  for (const auto& listener : wanted.listeners) claimed.insert(KeyOf(*listener));

  Plan plan;
  for (const auto& listener : wanted.listeners) {
    const std::string& name = listener->shared->name;
    BindFailure failure;
    if (plan.keys.contains(KeyOf(*listener))) {
      failure = {"AddressInUse",
                 fmt::format("{} is another listener's address", listener->address.Text())};
    } else if (auto opened = sockets_.Open(KeyOf(*listener), listener->socket)) {
      plan.Add(listener, *opened);
      continue;
    } else {
      failure = std::move(opened.error());
    }
    // The earlier form stays, unless its address has been given to another listener.
    const auto earlier = served_.find(name);
    const bool keep = earlier != served_.end() && !claimed.contains(KeyOf(*earlier->second));
    std::string meanwhile = "; nothing is served meanwhile";
    if (keep) {
      meanwhile = fmt::format("; {} is still served", earlier->second->address.Text());
      if (auto opened = sockets_.Open(KeyOf(*earlier->second), earlier->second->socket)) {
        plan.Add(earlier->second, *opened);
      }
    }
    problems.push_back({name, std::move(failure.reason), failure.message + meanwhile});
  }
  return plan;
}

void WorkerEngine::PutInForce(const Plan& plan, std::function<void()> in_force) {
  std::map<std::string, ListenerPointer> before = std::exchange(served_, {});
  for (const ListenerPointer& listener : plan.listeners) {
    served_[listener->shared->name] = listener;
  }
  for (auto& [name, listener] : before) {
    const auto now = served_.find(name);
    if (now == served_.end() || now->second != listener) replaced_.push_back(std::move(listener));
  }

  // One list a worker, in the order of the workers.
  auto assignments = std::make_shared<std::vector<std::vector<Assignment>>>(workers_.size());
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    for (std::size_t j = 0; j < plan.listeners.size(); ++j) {
      (*assignments)[i].push_back({(*plan.sockets[j])[i], plan.listeners[j]});
    }
  }
  sockets_.KeepOnly(plan.keys);
  RunOnAll(
      [assignments](Worker& worker) {
        // Moved out, so that sockets that are given up are closed with the worker's own reference.
        const std::vector<Assignment> own = std::move((*assignments)[worker.index()]);
        worker.Follow(own);
      },
      std::move(in_force));
}

template <typename Task>
void WorkerEngine::RunOnAll(Task task, std::function<void()> when_all_have) {
  rendezvous_.Wait();
  rendezvous_.Expect(workers_.size());
  for (const auto& worker : workers_) {
    worker->loop().Post([this, task, when_all_have, worker = worker.get()] {
      task(*worker);
      if (rendezvous_.Arrive() && when_all_have) when_all_have();
    });
  }
}

Engine::Sessions WorkerEngine::sessions() const {
  Sessions sum;
  for (const auto& worker : workers_) {
    sum.open += worker->census().open();
    sum.on_older_config += worker->census().on_older_config();
  }
  return sum;
}

void WorkerEngine::Shutdown(std::chrono::milliseconds deadline) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  PutInForce(Plan{}, nullptr);
  rendezvous_.Wait();
  while (sessions().open != 0 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  RunOnAll([](Worker& worker) { worker.CloseSessionsForShutdown(); }, nullptr);
  rendezvous_.Wait();
}

}  // namespace

std::unique_ptr<Engine> Engine::Start(std::size_t workers) {
  return std::make_unique<WorkerEngine>(workers);
}

}  // namespace sluice::dataplane
