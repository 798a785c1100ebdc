#include "controlplane/snapshot/snapshot_feed.h"

#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/mutex.h"
#include "common/base/thread_name.h"
#include "controlplane/snapshot/step_pacer.h"

namespace sluice::controlplane {
namespace {

VisibilityIndex::EarlierForms FormsIn(Store& store) {
  return [&store](const model::ResourceKey& key) {
    auto forms = store.EarlierForms(key);
    // Without a history the object is merely left out.
    return forms ? std::move(*forms) : std::vector<model::Resource>();
  };
}

}  // namespace

class SnapshotFeed::State {
 public:
  State(Catalog& catalog, Store& store)
      : subscription_(catalog.Subscribe([this](const CatalogChange& change) { Gather(change); })),
        index_(subscription_.from->generation, subscription_.from->resources, FormsIn(store)) {
    subscription_.from.reset();
    step_ = std::make_shared<const SnapshotStep>(index_.Step());
    thread_ = std::thread([this] {
      NameThisThread("snapshot-feed");
      Run();
    });
  }

  void Stop() {
    subscription_.handle.reset();
    {
      const MutexLock lock(pending_mutex_);
      stopping_ = true;
    }
    wake_.NotifyOne();
    thread_.join();
  }

  std::uint64_t Add(const Labels& labels, std::weak_ptr<SnapshotListener> listener) {
    const MutexLock lock(mutex_);
    index_.Hold(labels);
    views_.emplace(++last_view_, ViewEntry{labels, std::move(listener)});
    return last_view_;
  }
  void Remove(std::uint64_t view) {
    const MutexLock lock(mutex_);
    const auto found = views_.find(view);
    index_.Drop(found->second.labels);
    views_.erase(found);
  }
  std::shared_ptr<const Snapshot> CurrentOf(std::uint64_t view) const {
    const MutexLock lock(mutex_);
    return index_.SnapshotOf(views_.at(view).labels);
  }
  // Not behind the mutex that a step holds: an apply's answer does not wait for it.
  std::shared_ptr<const SnapshotStep> Step() const {
    const MutexLock lock(step_mutex_);
    return step_;
  }
  void OnPublished(std::function<void()> callback) {
    const MutexLock lock(mutex_);
    on_published_ = std::move(callback);
  }

 private:
  struct ViewEntry {
    Labels labels;
    std::weak_ptr<SnapshotListener> listener;
  };
  // At most one change an object, whatever the number of generations.
  struct Pending {
    std::int64_t generation = 0;
    std::map<model::ResourceKey, model::Change> changes;
  };

  // On the committing thread.
  void Gather(const CatalogChange& change) {
    {
      const MutexLock lock(pending_mutex_);
      pending_.generation = change.after->generation;
      for (const model::Change& one : change.changes) {
        pending_.changes.insert_or_assign(one.key, one);
      }
    }
    wake_.NotifyOne();
  }

  void Run() {
    for (;;) {
      Pending taken;
      {
        const MutexLock lock(pending_mutex_);
        while (!stopping_ && pending_.generation == 0) wake_.Wait(pending_mutex_);
        const auto next_step = pacer_.NextStep();
        while (!stopping_ && wake_.WaitUntil(pending_mutex_, next_step)) continue;
        if (stopping_) return;
        std::swap(taken, pending_);
      }
      const auto begun = StepPacer::Clock::now();
      const std::size_t told = Publish(taken);
      pacer_.Stepped(begun, StepPacer::Clock::now(), told);
    }
  }

  // The number of streams that were told.
  std::size_t Publish(const Pending& taken) {
    std::vector<model::Change> changes;
    changes.reserve(taken.changes.size());
    for (const auto& [key, change] : taken.changes) changes.push_back(change);

    std::vector<std::pair<std::shared_ptr<SnapshotListener>, std::shared_ptr<const Snapshot>>> told;
    std::function<void()> on_published;
    {
      const MutexLock lock(mutex_);
      index_.Apply(taken.generation, changes);
      auto step = std::make_shared<const SnapshotStep>(index_.Step());
      {
        const MutexLock step_lock(step_mutex_);
        step_ = std::move(step);
      }
      told.reserve(views_.size());
      for (const auto& [id, view] : views_) {
        if (auto listener = view.listener.lock()) {
          told.emplace_back(std::move(listener), index_.SnapshotOf(view.labels));
        }
      }
      on_published = on_published_;
    }
    for (auto& [listener, snapshot] : told) listener->OnSnapshot(std::move(snapshot));
    if (on_published) on_published();
    return told.size();
  }

  Mutex pending_mutex_;
  ConditionVariable wake_;
  Pending pending_ ABSL_GUARDED_BY(pending_mutex_);
  bool stopping_ ABSL_GUARDED_BY(pending_mutex_) = false;

  StepPacer pacer_;  // Of the thread.

  Catalog::Subscription subscription_;

  mutable Mutex mutex_;
  VisibilityIndex index_ ABSL_GUARDED_BY(mutex_);
  std::map<std::uint64_t, ViewEntry> views_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t last_view_ ABSL_GUARDED_BY(mutex_) = 0;
  std::function<void()> on_published_ ABSL_GUARDED_BY(mutex_);

  mutable Mutex step_mutex_;
  std::shared_ptr<const SnapshotStep> step_ ABSL_GUARDED_BY(step_mutex_);

  std::thread thread_;
};

class SnapshotFeed::OpenView final : public SnapshotFeed::View {
 public:
  OpenView(std::shared_ptr<State> state, std::uint64_t id) : state_(std::move(state)), id_(id) {}
  ~OpenView() override { state_->Remove(id_); }
  std::shared_ptr<const Snapshot> Current() const override { return state_->CurrentOf(id_); }

 private:
  const std::shared_ptr<State> state_;
  const std::uint64_t id_;
};

SnapshotFeed::SnapshotFeed(Catalog& catalog, Store& store)
    : state_(std::make_shared<State>(catalog, store)) {}

SnapshotFeed::~SnapshotFeed() { state_->Stop(); }

std::unique_ptr<SnapshotFeed::View> SnapshotFeed::Open(const Labels& labels,
                                                       std::weak_ptr<SnapshotListener> listener) {
  return std::make_unique<OpenView>(state_, state_->Add(labels, std::move(listener)));
}

std::shared_ptr<const SnapshotStep> SnapshotFeed::Step() const { return state_->Step(); }

void SnapshotFeed::OnPublished(std::function<void()> callback) {
  state_->OnPublished(std::move(callback));
}

}  // namespace sluice::controlplane
